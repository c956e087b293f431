package sqlpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/txctx"
)

// BeginTx implements driver.ConnBeginTx.
func (s *session) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := s.beginFor(ctx, opts)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (s *session) beginFor(ctx context.Context, opts driver.TxOptions) (*tx, error) {
	if s.endsUnseen() {
		return s.beginAlone(ctx, opts)
	}
	return s.beginTx(ctx, opts)
}

func (s *session) beginTx(ctx context.Context, opts driver.TxOptions) (t *tx, err error) {
	if !s.tells() {
		return s.tryBegin(ctx, opts)
	}
	err = s.told(ctx, &Executing{Op: OpBegin}, func() (err error) {
		t, err = s.tryBegin(ctx, opts)
		return err
	})
	return t, err
}

func (s *session) tryBegin(ctx context.Context, opts driver.TxOptions) (*tx, error) {
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, "")
		if err != nil {
			return nil, err
		}
		t, err := s.begin(ctx, c, &a, opts)
		if err == nil {
			if c.begun() { // else BEGIN waits for the first statement, and the server has said nothing
				s.succeeded(c)
			}
			s.tx = t
			c.inTx.Store(true)
			return t, nil
		}
		if err = s.leave(ctx, c, &a, "begin", err); err != nil {
			return nil, err
		}
	}
}

func (s *session) begin(ctx context.Context, c *Conn, a *attempt, opts driver.TxOptions) (*tx, error) {
	t := &tx{session: s, conn: c, opts: opts, caller: ctx, cancel: func() {}}
	if ctx.Done() == nil && c.can.cuts { // nothing would end a context of its own but Rollback's timer, and that cuts
		var err error
		t.inner, err = driverx.Begin(ctx, c.inner, opts)
		return t, err
	}
	inner, end := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel := func() { end(context.Cause(ctx)) }
	stop := context.AfterFunc(ctx, cancel)
	t.detached = txctx.Detached{Context: inner, Caller: ctx}
	itx, err := driverx.Begin(&t.detached, c.inner, opts)
	interrupted := !stop()
	if err == nil {
		// Also when ctx has ended meanwhile: database/sql rolls back then. Only the
		// end of the driver's transaction ends what the driver has begun for it, such
		// as lib/pq's watching of the context, which would break the connection of
		// a later borrower.
		t.inner, t.cancel = itx, cancel
		return t, nil
	}
	cancel()
	if !interrupted {
		return nil, err
	}
	// The server may have begun or not.
	if c.can.txStatus != nil || a.sentBy(c) {
		s.interrupted(c, "begin", ctx.Err())
	}
	return nil, ctx.Err() // what the driver saw was the end of the detached context
}

// leaveConn gives up the connection of a transaction, if there is one, of which nothing
// was sent. Nothing that the driver has begun for it may go on, as in begin.
func (t *tx) leaveConn() {
	if t == nil {
		return
	}
	_ = t.inner.Rollback() // of what the server does not know, or on a connection that is broken
	t.cancel()
	t.conn.inTx.Store(false)
	t.inner = nil
}

// begun reports whether the server has begun the transaction that is open on c.
func (c *Conn) begun() bool {
	if c.can.txProgress == nil {
		return true
	}
	begun, _ := c.can.txProgress()
	return begun
}

// beginAgain begins the transaction on another connection: the one that it was on has
// broken, and nothing of the transaction had been sent. If that fails, the loan is lost.
func (s *session) beginAgain(ctx context.Context, a *attempt) (err error) {
	t := s.tx
	s.tx = nil // what fails now is judged as at its first BEGIN
	defer func() {
		s.tx = t
		if err != nil && s.lost == nil {
			s.lost = &ConnLostError{Conn: t.conn.id, Op: "begin", Err: hideBadConn(err)}
		}
	}()
	again := attempt{harmless: true, broken: a.broken, stillborn: a.stillborn}
	for {
		c, err := s.enter(ctx, &again, "")
		if err != nil {
			return err
		}
		begun, err := s.begin(t.caller, c, &again, t.opts)
		if err == nil {
			if c.begun() {
				s.succeeded(c)
			}
			t.conn, t.inner, t.cancel = c, begun.inner, begun.cancel
			c.inTx.Store(true)
			a.broken, a.stillborn = again.broken, again.stillborn
			return nil
		}
		if err = s.leave(ctx, c, &again, "begin", err); err != nil {
			return err
		}
	}
}
