package mockpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
)

// DriverName is what sql.Open calls a mock database by that has a data source
// name: for libraries that open their database themselves.
const DriverName = "sqlmockpool"

func init() { sql.Register(DriverName, dsnDriver{}) }

// named holds the mock databases that have a data source name, by that.
var named sync.Map // string → *mockDB

// dsnDriver implements driver.DriverContext.
type dsnDriver struct{}

// Open implements driver.Driver.
func (d dsnDriver) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

// OpenConnector implements driver.DriverContext. As with go-sqlmock, each
// sql.DB of one data source name has a Close of its own.
func (dsnDriver) OpenConnector(dsn string) (driver.Connector, error) {
	m, ok := named.Load(dsn)
	if !ok {
		return nil, fmt.Errorf("%s: there is no mock database with the data source name %q: open it first, with NewWithDSN", DriverName, dsn)
	}
	return &otherConnector{frontConnector: frontConnector{m.(*mockDB)}, dsn: dsn}, nil
}

// otherConnector is the connector of one more sql.DB of a mock.
type otherConnector struct {
	frontConnector
	dsn string

	mu     sync.Mutex
	pinned driver.Conn // go-sqlmock's connection, whose Close is this sql.DB's
}

// Connect implements driver.Connector.
func (c *otherConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinned == nil {
		conn, err := c.m.pinned.Driver().Open(c.dsn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", DriverName, err)
		}
		c.pinned = conn
	}
	return c.frontConnector.Connect(ctx)
}

// Close implements io.Closer. A sql.DB that was never used closes nothing.
func (c *otherConnector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinned == nil {
		return nil
	}
	conn := c.pinned
	c.pinned = nil
	return conn.Close()
}
