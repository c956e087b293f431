package fakedb

import (
	"context"
	"database/sql/driver"
)

// Holding is Full of a driver that keeps BEGIN until the first statement, for a pool that asks for it with HoldBegin. A
// BEGIN that the server then refuses is that statement's error, which is not sent, and the transaction has failed.
func Holding(c *Conn) driver.Conn { return &holding{Conn: c} }

type holding struct {
	*Conn
	on    bool
	state byte // 'h' held, 'f' refused, 0 begun or none
	opts  driver.TxOptions
}

// HoldBegin turns it on, and returns how far the present transaction has come.
func (c *holding) HoldBegin() (progress func() (begun, sent bool)) {
	c.on = true
	return func() (begun, sent bool) { return c.state == 0, c.state == 0 }
}

// Raw sends what is held.
func (c *holding) Raw() driver.Conn {
	_ = c.start(bg) // what follows has the error
	return c.Conn
}

// TxStatus says 'T' of a transaction that has not begun, too.
func (c *holding) TxStatus() byte {
	switch c.state {
	case 'h':
		return 'T'
	case 'f':
		return 'E'
	}
	return c.Conn.TxStatus()
}

// start begins the transaction, if there is one that has not begun.
func (c *holding) start(ctx context.Context) error {
	switch c.state {
	case 0:
		return nil
	case 'f':
		return errTxFailed
	}
	if _, err := c.Conn.BeginTx(ctx, c.opts); err != nil {
		c.state = 'f'
		return err
	}
	c.state = 0
	return nil
}

// Begin implements driver.Conn.
func (c *holding) Begin() (driver.Tx, error) { return c.BeginTx(bg, driver.TxOptions{}) }

// BeginTx implements driver.ConnBeginTx.
func (c *holding) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if !c.on || c.TxStatus() != 'I' {
		return c.Conn.BeginTx(ctx, opts)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.state, c.opts = 'h', opts
	return &heldTx{tx{c.Conn, ctx}, c}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *holding) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, text, args)
}

// QueryContext implements driver.QueryerContext.
func (c *holding) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, text, args)
}

// Ping implements driver.Pinger.
func (c *holding) Ping(ctx context.Context) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	return c.Conn.Ping(ctx)
}

// Prepare implements driver.Conn.
func (c *holding) Prepare(text string) (driver.Stmt, error) { return c.PrepareContext(bg, text) }

// PrepareContext implements driver.ConnPrepareContext.
func (c *holding) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return heldStmt{s, c}, nil
}

type heldStmt struct {
	*Stmt
	c *holding
}

// ExecContext implements driver.StmtExecContext.
func (s heldStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.c.start(ctx); err != nil {
		return nil, err
	}
	return s.Stmt.ExecContext(ctx, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s heldStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.c.start(ctx); err != nil {
		return nil, err
	}
	return s.Stmt.QueryContext(ctx, args)
}

type heldTx struct {
	tx
	c *holding
}

// Commit implements driver.Tx.
func (t *heldTx) Commit() error {
	switch state := t.c.state; state {
	case 'h', 'f':
		t.c.state = 0
		if state == 'f' {
			return errTxFailed
		}
		return nil
	}
	return t.tx.Commit()
}

// Rollback implements driver.Tx.
func (t *heldTx) Rollback() error {
	if t.c.state != 0 {
		t.c.state = 0
		return nil
	}
	return t.tx.Rollback()
}
