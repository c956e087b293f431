package mockpool

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

// mockConn is go-sqlmock's connection, which is also its Sqlmock.
type mockConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.NamedValueChecker
}

// conn is what the pool takes for a connection. While it is lent, what is
// called on it is the code under test's and goes to the mock. Closing it
// closes nothing: the mock's Close is the database's.
type conn struct {
	m    *mockDB
	mock mockConn
	came *came
	lent atomic.Bool

	// tied is the test whose own context the loan's Rows or Tx have, which ends
	// them when that test ends, or nil.
	tied atomic.Pointer[watch]

	sent   atomic.Uint64         // calls that reached the mock
	broken atomic.Pointer[error] // what ended the connection, or nil
}

var (
	_ mockConn         = (*conn)(nil)
	_ driver.Validator = (*conn)(nil)
)

// pass passes a call on to the mock. A second try of the pool's gets the first one's
// answer, and a connection that is gone has none.
func (c *conn) pass(ctx context.Context, op, query string, args []driver.NamedValue, do func() error) error {
	call := callOf(ctx)
	if call.err != nil {
		return call.err
	}
	executed := query
	if op == "Prepare" {
		executed = ""
	}
	if err := c.refused(executed); err != nil {
		return err
	}
	call.err = c.send(op, query, args, do)
	if op == "Query" || op == "Begin" {
		c.tied.CompareAndSwap(nil, call.tied)
	}
	return call.err
}

// send has the mock answer, and notes what it says.
func (c *conn) send(op, query string, args []driver.NamedValue, do func() error) error {
	c.sent.Add(1)
	err := do()
	c.judge(err)
	c.came.add(op, query, args, err)
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	if !c.lent.Load() {
		return unlentExec()
	}
	err = c.pass(ctx, "Exec", query, args, func() (err error) {
		res, err = c.mock.ExecContext(ctx, query, args)
		return err
	})
	return res, err
}

// QueryContext implements driver.QueryerContext. The rows are the mock's own.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	if !c.lent.Load() {
		return unlentQuery()
	}
	err = c.pass(ctx, "Query", query, args, func() (err error) {
		rows, err = c.mock.QueryContext(ctx, query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rowsOf(rows, c), nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if !c.lent.Load() {
		return unlentTx{}, nil
	}
	var inner driver.Tx
	err := c.pass(ctx, "Begin", "", nil, func() (err error) {
		inner, err = c.mock.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &tx{inner, c}, nil
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	if !c.lent.Load() {
		return nil
	}
	return c.pass(ctx, "Ping", "", nil, func() error { return c.mock.Ping(ctx) })
}

// CheckNamedValue implements driver.NamedValueChecker by the mock's converter.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error { return c.mock.CheckNamedValue(v) }

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Close implements driver.Conn.
func (c *conn) Close() error { return nil }

// tx is the mock's transaction.
type tx struct {
	mock driver.Tx
	conn *conn
}

// Commit implements driver.Tx.
func (t *tx) Commit() error { return t.end("Commit", t.mock.Commit) }

// Rollback implements driver.Tx.
func (t *tx) Rollback() error { return t.end("Rollback", t.mock.Rollback) }

func (t *tx) end(op string, f func() error) error {
	if err := t.conn.refused(""); err != nil {
		return err
	}
	return t.conn.send(op, "", nil, f)
}
