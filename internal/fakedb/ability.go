package fakedb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

var bg = context.Background()

// Alive tells whether the connection is open with nothing pending: nil if so, driver.ErrSkip (only when scripted) if
// it cannot tell, io.EOF if it is dead. A script has the first word.
func (c *Conn) Alive() error {
	return c.do(bg, Alive, "", nil, func() error {
		if d := c.death.Load(); d != nil && (!d.Hidden || c.noticed.Load()) {
			return io.EOF
		}
		return nil
	})
}

// TxStatus is 'I' outside a transaction, 'T' in one, 'E' in one that has failed.
func (c *Conn) TxStatus() byte { return byte(c.status.Load()) }

// Sent is how many bytes have been written to the server.
func (c *Conn) Sent() uint64 { return c.sent.Load() }

// Raw returns the connection itself.
func (c *Conn) Raw() driver.Conn { return c }

// CacheQueries says what [DB.SetCacheQueries] set.
func (c *Conn) CacheQueries() bool { return c.db.cacheQueries.Load() }

// StatementStale says whether the error is an [Error] with the SQLSTATE of a prepared statement that the server has
// forgotten, or whose result has changed its shape: here nothing has been executed then.
func (c *Conn) StatementStale(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == errNoStmt.Code || e.Code == errStale.Code)
}
