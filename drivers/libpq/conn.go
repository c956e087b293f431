package libpq

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
	"github.com/sqlpool/go/drivers/internal/wire"
)

// pqConn is what lib/pq's connection implements, all of it in use here.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

var _ pqConn = (*conn)(nil)

// conn is lib/pq's connection with its socket.
type conn struct {
	inner  pqConn
	wire   *wire.Conn
	guard  guard
	status reflect.Value // lib/pq's transaction status; see txstatus.go
	again  canceller
	binary bool  // binary_parameters is on, by the user's wish
	one    *bool // lib/pq's switch for one round trip, or nil; see onetrip.go

	socket *filtered         // between lib/pq and the network, or nil
	lazy   *lazybegin.Filter // its filter, when that holds BEGINs back

	words atomic.Pointer[pq.Error] // what the server said last, if it was a goodbye

	call     call    // the present one, or the last
	before   call    // the one before it, whose rows may be open still
	rows     int     // that are not closed
	stmtRows int     // of those, how many are of a prepared statement
	copying  *copyIn // the COPY that is open, if one is
	inside   bool    // a call of lib/pq is on, or was when a panic or Goexit ended it
	broken   bool    // not to be used again, though lib/pq would
	closed   bool    // by the adapter; lib/pq closes itself at times
}

// open takes over a connection that has just been made.
func (c *conn) open(inner driver.Conn, dialer *wire.Dialer, cfg pq.Config) error {
	var ok bool
	if c.inner, ok = inner.(pqConn); !ok {
		return fmt.Errorf("this lib/pq's connection (%T) lacks a method that the adapter needs", inner)
	}
	var err error
	if c.wire, err = dialer.Establish(); err != nil {
		return err
	}
	c.guard.conn = c.wire
	c.wire.OnRead = c.listen
	c.status = statusOf(inner)
	c.one = switchOf(inner)
	c.again = cancellerOf(inner, dialer, cfg)
	if c.socket != nil && c.socket.Conn != c.wire { // that of a host that was tried before
		c.socket = nil
	}
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.beginNew(ctx, false); err != nil {
		return nil, err
	}
	if c.lazy != nil {
		c.lazy.Rows(false)
	}
	res, err := c.exec(ctx, query, args)
	c.noteStuck(err)
	return res, c.end(err)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.beginNew(ctx, false); err != nil {
		return nil, err
	}
	if c.lazy != nil {
		c.lazy.Rows(true)
	}
	rows, err := c.query(ctx, query, args)
	if err != nil {
		c.noteStuck(err)
		return nil, c.end(err)
	}
	return c.rowsOf(rows, false)
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	if err := c.begin(ctx, false); err != nil {
		return err
	}
	err := c.end(c.inner.Ping(ctx))
	if err == driver.ErrBadConn && ctx.Err() != nil {
		return fmt.Errorf("libpq: ping: %w", ctx.Err()) // the server answered the cancel request
	}
	return err
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext. A COPY … FROM STDIN in a
// transaction is started, as lib/pq does: its statement takes the rows.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.beginNew(ctx, false); err != nil {
		return nil, err
	}
	inner, err := c.inner.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.end(err)
	}
	c.inside = false
	return c.newStmt(inner)
}

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx implements driver.ConnBeginTx. As in lib/pq, the statements of the
// transaction end with ctx. After HoldBegin, on a connection that has answered something
// within the last second, BEGIN travels with the first statement, and until then nothing is sent.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.begin(ctx, false); err != nil {
		return nil, err
	}
	// lib/pq watches ctx when BEGIN has been answered, not before.
	stop := c.guard.watch(ctx)
	disarm := c.arm()
	inner, err := c.inner.BeginTx(ctx, opts)
	disarm()
	stop()
	if err != nil {
		return nil, c.end(err)
	}
	c.inside = false
	c.guard.inTx(ctx)
	return &tx{conn: c, inner: inner}, nil
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error { return c.inner.CheckNamedValue(v) }
