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

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.lent.Load() {
		return unlentExec()
	}
	call := callOf(ctx)
	if call.err != nil {
		return nil, call.err
	}
	if err := c.refused(query); err != nil {
		return nil, err
	}
	c.sent.Add(1)
	res, err := c.mock.ExecContext(ctx, query, args)
	call.err = err
	c.judge(err)
	c.came.add("Exec", query, args, err)
	return res, err
}

// QueryContext implements driver.QueryerContext. The rows are the mock's own.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.lent.Load() {
		return unlentQuery()
	}
	call := callOf(ctx)
	if call.err != nil {
		return nil, call.err
	}
	if err := c.refused(query); err != nil {
		return nil, err
	}
	c.sent.Add(1)
	inner, err := c.mock.QueryContext(ctx, query, args)
	call.err = err
	c.judge(err)
	c.tied.CompareAndSwap(nil, call.tied)
	c.came.add("Query", query, args, err)
	if err != nil {
		return nil, err
	}
	return rowsOf(inner, c), nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if !c.lent.Load() {
		return unlentTx{}, nil
	}
	call := callOf(ctx)
	if call.err != nil {
		return nil, call.err
	}
	if err := c.refused(""); err != nil {
		return nil, err
	}
	c.sent.Add(1)
	inner, err := c.mock.BeginTx(ctx, opts)
	call.err = err
	c.judge(err)
	c.tied.CompareAndSwap(nil, call.tied)
	c.came.add("Begin", "", nil, err)
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
	call := callOf(ctx)
	if call.err != nil {
		return call.err
	}
	if err := c.refused(""); err != nil {
		return err
	}
	c.sent.Add(1)
	call.err = c.mock.Ping(ctx)
	c.judge(call.err)
	c.came.add("Ping", "", nil, call.err)
	return call.err
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
	t.conn.sent.Add(1)
	err := f()
	t.conn.judge(err)
	t.conn.came.add(op, "", nil, err)
	return err
}
