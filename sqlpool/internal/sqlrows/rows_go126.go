//go:build !go1.27

package sqlrows

import "database/sql/driver"

// OnClose returns rows that call closed when they have been closed, once, with the first
// error that ended the reading early, or nil.
func OnClose(rows driver.Rows, closed func(error)) driver.Rows {
	return &rowsToClose{Rows: rows, closed: closed}
}
