// Package mydriver stands for a driver whose author runs the conformance suite:
// its test is the whole of what that takes. It is modernc.org/sqlite with a
// driver.Connector.
package mydriver

import (
	"context"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// Connector returns a connector for the database in a folder.
func Connector(folder string) driver.Connector { return connector(folder) }

type connector string

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open("file:" + string(c) + "/test.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &sqlite.Driver{} }
