package mockpool

import (
	"context"
	"database/sql/driver"
)

// frontConnector is what database/sql opens sessions with.
type frontConnector struct{ m *mockDB }

// Connect implements driver.Connector.
func (c *frontConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.m.gate(ctx); err != nil {
		return nil, err
	}
	inner, err := c.m.pool.Connector().Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &session{poolSession: inner.(poolSession), m: c.m}, nil
}

// Driver implements driver.Connector.
func (c *frontConnector) Driver() driver.Driver { return c.m.pinned.Driver() }

// Close implements io.Closer, for sql.DB.Close.
func (c *frontConnector) Close() error { return c.m.close() }

// backConnector is what the pool dials with. It opens nothing: go-sqlmock
// would return the same connection each time, count it, forget its name when
// the last is closed, and take each close for the database's.
type backConnector struct{ m *mockDB }

// Connect implements driver.Connector.
func (c *backConnector) Connect(context.Context) (driver.Conn, error) {
	return &conn{m: c.m, mock: c.m.mock.(mockConn), came: &c.m.came}, nil
}

// Driver implements driver.Connector.
func (c *backConnector) Driver() driver.Driver { return c.m.pinned.Driver() }
