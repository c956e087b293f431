package pgxv5

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
	"github.com/sqlpool/go/drivers/internal/wire"
)

type stdConn = stdlib.Conn

var (
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
)

// conn is stdlib's connection with its socket. What is not here is stdlib's own:
// CheckNamedValue.
type conn struct {
	*stdConn
	pg     *pgconn.PgConn
	after  func(context.Context, *pgx.Conn) error // see AfterConnect; nil: nothing
	wire   *wire.Conn
	asks   bool // the configuration's way to end a call sends a cancel request first, see doubt.go
	closed bool

	filter   *lazybegin.Filter // between pgx and the socket, or nil
	lazy     *lazybegin.Filter // the same, when it holds BEGINs back
	beginCtx context.Context   // the transaction's
}

// errBusy is the answer to a call while rows are open. stdlib says ErrBadConn, of a
// connection that works on: its transaction can be committed.
var errBusy = errors.New("pgxv5: conn busy: rows of an earlier query are open")

// ready precedes a call: a context that has ended must not reach pgx, which would
// close the connection.
func (c *conn) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.pg.IsBusy() {
		return errBusy
	}
	return nil
}

// settle gives a call's error its reason. For a call whose context ended before
// anything was sent pgx says ErrBadConn, and the next connection is not to be
// blamed, nor tried.
func settle(ctx context.Context, err error) error {
	if err == driver.ErrBadConn {
		if end := ctx.Err(); end != nil {
			return fmt.Errorf("pgxv5: %w", end)
		}
	}
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if c.lazy != nil {
		c.lazy.Rows(false)
	}
	asked := c.wire.Asked()
	res, err := c.stdConn.ExecContext(ctx, query, args)
	if err = settle(ctx, err); err != nil {
		return nil, err
	}
	return res, c.doubt(ctx, asked)
}

// QueryContext implements driver.QueryerContext. The rows are stdlib's own,
// but where their end may be in doubt.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if c.lazy != nil {
		c.lazy.Rows(true)
	}
	asked := c.wire.Asked()
	rows, err := c.stdConn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, settle(ctx, err)
	}
	return c.doubtRows(ctx, rows, asked)
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	return settle(ctx, c.stdConn.Ping(ctx))
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	inner, err := c.stdConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, settle(ctx, err)
	}
	return &stmt{stdStmt: inner.(*stdlib.Stmt), conn: c}, nil
}

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx implements driver.ConnBeginTx. In pgx, ctx is also what Commit and
// Rollback of the transaction obey, and no other statement. After HoldBegin, on a
// connection that has answered something within the last second, BEGIN travels with the first
// statement, and until then nothing is sent.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	disarm := c.arm(ctx)
	tx, err := c.stdConn.BeginTx(ctx, opts)
	disarm()
	if err == nil && c.asks {
		return &doubtedTx{tx, c, ctx}, nil
	}
	return tx, settle(ctx, err)
}

// ResetSession implements driver.SessionResetter. It sends nothing. The pool has
// rolled back by now what a borrower left open; other code that has put the
// connection aside must not hand it out inside a transaction.
func (c *conn) ResetSession(context.Context) error {
	if !c.IsValid() || c.pg.IsBusy() || c.TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid implements driver.Validator. It sends nothing. It looks at the socket
// too: of one that was cut between calls pgx learns at the next. And it looks at
// the cancel requests: one that the server has not dealt with would cancel what
// the next borrower runs.
func (c *conn) IsValid() bool {
	return !c.pg.IsClosed() && c.wire.LastError() == nil && c.wire.Settled()
}
