package sqlpool

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// tx is a transaction begun through database/sql. The inner transaction's
// context is detached from a caller's that can end: database/sql rolls back then,
// and a driver that sees it end as well closes the connection. The caller's
// context still interrupts BEGIN and COMMIT.
type tx struct {
	session *session
	conn    *Conn
	inner   driver.Tx // nil when its connection was lost before anything was sent: the next statement begins it again
	opts    driver.TxOptions
	done    bool
	alone   bool // the loan ends with it (see loanend.go)

	caller   context.Context
	detached detachedContext    // the inner transaction's
	cancel   context.CancelFunc // ends it
}

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
			if a.sentBy(c) { // else BEGIN waits for the first statement, and the server has said nothing
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
	t.detached = detachedContext{inner, ctx}
	itx, err := driverx.Begin(&t.detached, c.inner, opts)
	interrupted := !stop()
	if err == nil {
		// Also when ctx has ended meanwhile: database/sql rolls back then. Only the
		// end of the driver's transaction ends what the driver has begun for it, such
		// as lib/pq's watching of the context, which would break the connection in
		// another caller's hands.
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

// leave gives up the connection of a transaction of which nothing was sent. Nothing that the driver has begun
// for it may go on, as in begin.
func (t *tx) leave() {
	if t == nil {
		return
	}
	_ = t.inner.Rollback() // of what the server does not know, or on a connection that is broken
	t.cancel()
	t.conn.inTx.Store(false)
	t.inner = nil
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
			if again.sentBy(c) {
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

// interrupted is called when a context has ended a BEGIN, COMMIT or ROLLBACK, or
// nothing but its end is known of one. A connection that may be inside the transaction
// still is rolled back when the loan ends, or closed where its driver cannot tell. A
// *sql.Conn must not go on with it: what it wrote would be acknowledged, and undone.
func (s *session) interrupted(c *Conn, op string, why error) {
	switch {
	case c.can.txStatus == nil, c.can.running != nil && c.can.running():
		c.discard(why)
	case !c.dirty():
		return
	}
	s.lost = &ConnLostError{Conn: c.id, Op: op, Sent: true, Err: hideBadConn(why)}
}

// discard marks a connection that may be inside a transaction as not to be lent
// again.
func (c *Conn) discard(why error) {
	if c.broken == nil {
		c.broken = because(CodeDirty, why)
	}
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	if t.caller.Done() != nil {
		stop := context.AfterFunc(t.caller, t.cancel)
		defer stop()
	}
	return t.told(OpCommit, func() error { return t.end("commit", func() error { return t.inner.Commit() }) })
}

// Rollback implements driver.Tx. It has RollbackTimeout, whatever the caller's
// context says: a transaction must end. A driver that is deaf to its context is
// cut off.
func (t *tx) Rollback() error {
	return t.told(OpRollback, t.rollback)
}

func (t *tx) rollback() error {
	c := t.conn
	return t.end("rollback", func() error {
		timer := time.AfterFunc(c.pool.cfg.RollbackTimeout, func() {
			t.cancel()
			c.abort()
		})
		err := t.inner.Rollback()
		if !timer.Stop() {
			c.discard(context.DeadlineExceeded)
		}
		return err
	})
}

// told is session.told for an end of the transaction.
func (t *tx) told(op Op, f func() error) error {
	if !t.session.tells() {
		return f()
	}
	return t.session.told(t.caller, &Executing{Op: op}, f)
}

// end ends the inner transaction and judges its connection by the outcome. A
// failed Commit or Rollback is never tried again: its outcome may be unknown.
// What fails after the caller's context has ended says nothing of the server.
func (t *tx) end(op string, f func() error) error {
	s, c := t.session, t.conn
	if t.done {
		return ErrNotHeld
	}
	t.done = true
	defer func() {
		if t.inner != nil {
			c.inTx.Store(false)
		}
		s.tx = nil
		t.cancel()
		if t.alone {
			s.endAlone()
		}
	}()
	if t.inner == nil {
		return s.lost // that of the statement which could not begin it again
	}
	if c.pinned > 0 && c.broken == nil {
		c.broken = &Reason{Code: CodePinned}
	}
	if s.lost != nil {
		return s.lost // and so is the transaction
	}
	a := attempt{final: true, harmless: op == "rollback", restated: true}
	a.mark(c)
	err := f()
	if err == nil {
		if a.sentBy(c) {
			c.answered = true
		}
		return nil
	}
	if c.can.txStatus == nil && !pgerror.HasState(err) {
		c.discard(err) // no word from the server: the transaction may be open still
	}
	left := s.leave(t.caller, c, &a, op, err)
	if over := ended(t.caller); over != nil && s.lost == nil && !pgerror.HasState(err) {
		s.interrupted(c, op, over)
	}
	return left
}
