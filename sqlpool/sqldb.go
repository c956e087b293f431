package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"time"
)

const (
	// sessionsKept is how many idle sessions a *sql.DB from OpenDB keeps at
	// least. A session costs some 650 bytes; each *sql.Stmt looks through its
	// sessions one by one, so thousands would cost time.
	sessionsKept = 128

	// sessionsKeptFor trims the sessions of a peak.
	sessionsKeptFor = 5 * time.Minute
)

// OpenDB returns a *sql.DB whose connections come from the pool. Closing it
// closes the pool. The limits of the *sql.DB count sessions, not connections:
// the pool's own limits hold whatever is set there, SetMaxOpenConns is better
// left alone, and db.Stats counts sessions (Pool.Stats counts connections).
func OpenDB(p *Pool) *sql.DB {
	db := sql.OpenDB(p.Connector())
	db.SetMaxIdleConns(max(sessionsKept, 2*p.cfg.MaxConns))
	db.SetConnMaxIdleTime(sessionsKeptFor)
	return db
}

// Connector returns the driver.Connector behind OpenDB, for sql.OpenDB and for
// wrappers that instrument one. A wrapper's connections must pass on
// driver.SessionResetter and driver.Validator: without them package sql does not
// say when a loan ends, and keeps the connection while it keeps the session.
// Closing it closes the pool. Its Driver is the
// driver of Config.Connector.
func (p *Pool) Connector() interface {
	driver.Connector
	io.Closer
} {
	return connector{p}
}

type connector struct{ pool *Pool }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.pool.openSession(ctx)
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.pool.cfg.Connector.Driver() }

// Close implements io.Closer: package sql calls it when the *sql.DB closes.
func (c connector) Close() error { return c.pool.Close() }
