package sqlpool

import (
	"context"
	"database/sql/driver"
	"time"
)

// tx is a transaction begun through package sql. The inner transaction's
// context is detached from the caller's: package sql rolls back when the
// caller's ends, and a driver that sees it end as well closes the connection.
// The caller's context still interrupts BEGIN and COMMIT.
type tx struct {
	session  *session
	conn     *Conn
	inner    driver.Tx
	readOnly bool
	done     bool

	caller context.Context
	cancel context.CancelFunc // ends the inner transaction's context
	stops  []func() bool      // what bind registered
}

// BeginTx implements driver.ConnBeginTx.
func (s *session) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, "")
		if err != nil {
			return nil, err
		}
		t, err := s.begin(ctx, c, opts)
		if err == nil {
			s.used = true
			s.tx = t
			c.inTx.Store(true)
			return t, nil
		}
		if err = s.leave(ctx, c, &a, "begin", err); err != nil {
			return nil, err
		}
	}
}

func (s *session) begin(ctx context.Context, c *Conn, opts driver.TxOptions) (*tx, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	itx, err := innerBegin(inner, c.inner, opts)
	if !stop() && err == nil {
		// The caller's context ended with BEGIN: the driver may or may not have
		// noticed.
		_ = itx.Rollback()
		err = ctx.Err()
		c.broken = because(CodeDirty, err)
	}
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			err = ctx.Err() // what the driver saw was the detached context's
		}
		return nil, err
	}
	return &tx{session: s, conn: c, inner: itx, readOnly: opts.ReadOnly, caller: ctx, cancel: cancel}, nil
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	stop := context.AfterFunc(t.caller, t.cancel)
	err := t.end("commit", t.inner.Commit)
	stop()
	return err
}

// Rollback implements driver.Tx. It has RollbackTimeout, whatever the caller's
// context says: a transaction must end.
func (t *tx) Rollback() error {
	timer := time.AfterFunc(t.conn.pool.cfg.RollbackTimeout, t.cancel)
	err := t.end("rollback", t.inner.Rollback)
	timer.Stop()
	return err
}

// end ends the inner transaction and judges its connection by the outcome. A
// failed Commit or Rollback is never tried again: its outcome may be unknown.
func (t *tx) end(op string, f func() error) error {
	s, c := t.session, t.conn
	if t.done {
		return ErrNotHeld
	}
	t.done = true
	a := attempt{loans: c.pool.cfg.MaxConns + 1, harmless: op == "rollback"}
	if c.can.sent != nil {
		a.sent = c.can.sent()
	}
	err := f()
	for _, stop := range t.stops {
		stop()
	}
	if c.pinned > 0 && c.broken == nil {
		c.broken = &Reason{Code: CodePinned}
	}
	defer func() {
		c.inTx.Store(false)
		s.tx = nil
		t.cancel()
	}()
	if s.lost != nil {
		return s.lost
	}
	if err != nil {
		return s.leave(context.Background(), c, &a, op, err)
	}
	return nil
}

// bind returns the context for a statement of the transaction. Where the
// driver would have ended the statement with the transaction's context, and no
// longer sees that context end, the statement's own one ends with it.
func (t *tx) bind(ctx context.Context) context.Context {
	if t == nil || !t.conn.can.txEndsStatements || t.caller.Done() == nil || ctx == t.caller {
		return ctx
	}
	if ctx.Done() == nil {
		return boundContext{ctx, t.caller}
	}
	both, cancel := context.WithCancelCause(ctx)
	t.stops = append(t.stops, context.AfterFunc(t.caller, func() { cancel(context.Cause(t.caller)) }))
	return both
}

// boundContext has the values of one context and the end of another.
type boundContext struct {
	context.Context
	ends context.Context
}

func (c boundContext) Deadline() (time.Time, bool) { return c.ends.Deadline() }
func (c boundContext) Done() <-chan struct{}       { return c.ends.Done() }
func (c boundContext) Err() error                  { return c.ends.Err() }
