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
// wrappers that instrument one. Each *sql.DB has one of its own. A wrapper's
// connections should pass on driver.SessionResetter and driver.Validator. Without
// the latter the loan of an operation of a *sql.DB ends with the operation, as it
// should, but that of a *sql.Conn ends only when its session is used or discarded
// next (see Holder.EndUnseen). Closing it closes the pool. Its Driver is the driver
// of Config.Connector.
func (p *Pool) Connector() interface {
	driver.Connector
	io.Closer
} {
	return &connector{pool: p}
}

type connector struct {
	pool    *Pool
	isValid notice
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	s, err := c.pool.openSession(ctx)
	if err != nil {
		return nil, err
	}
	s.from = c
	return s, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.pool.cfg.Connector.Driver() }

// Close implements io.Closer: database/sql calls it when the *sql.DB closes.
func (c *connector) Close() error { return c.pool.Close() }
