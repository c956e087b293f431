package sqlpool

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
	"github.com/sqlpool/go/sqlpool/internal/txctx"
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
	alone   bool // the loan ends with it (see sql_hidden.go)

	caller   context.Context
	detached txctx.Detached     // the inner transaction's
	cancel   context.CancelFunc // ends it
}

// bind returns the context for a statement of the transaction, if there is one. Where
// the driver would have ended the statement with the transaction's context, and no
// longer sees that context end, the statement's own one ends with it. unbind, if there
// is one, is called when the statement is over and its rows are closed.
func (t *tx) bind(ctx context.Context) (bound context.Context, unbind func()) {
	if t == nil || !t.conn.can.txEndsStatements {
		return ctx, nil
	}
	return txctx.Bind(ctx, t.caller)
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
		s.remember(t.caller)
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
	asks := c.begun() // else the driver answers itself
	err := f()
	if err == nil {
		if asks {
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
