package sqlpool

import (
	"context"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
	"github.com/sqlpool/go/sqlpool/internal/verdict"
)

// facts finds out what the verdict depends on.
func (s *session) facts(c *Conn, a *attempt, over, err error) verdict.Facts {
	class, explicit := s.pool.classify(err)
	f := verdict.Facts{
		Explicit:  explicit,
		Class:     pgerror.Class(class),
		Answer:    pgerror.HasState(err),
		Cancelled: pgerror.Cancelled(err),
		Says:      c.says(),
		Refused:   a.refused,
		Over:      over != nil,
		Cut:       errors.Is(c.broken, context.DeadlineExceeded),
		Sent:      a.sentBy(c),
		Used:      s.used,
		Final:     a.final,
		Exhausted: a.exhausted(c),
		Harmless:  a.harmless,
	}
	s.tx.facts(&f)
	if f.Class == pgerror.ReadOnly && !f.ReadOnly { // else it is what the caller asked for
		s.pool.noteReadOnly(err)
		f.ReadOnly = !s.pool.wantsPrimary && !explicit
	}
	f.Stale = a.prepared && !a.restated && s.stale(c, err)
	f.Own = !f.Answer && !f.Sent && f.Says == verdict.SaysGone && s.callerEnded() && c.closedItself()
	return f
}

// facts adds what the transaction, if there is one, changes of a failure's facts.
func (t *tx) facts(f *verdict.Facts) {
	if t == nil {
		return
	}
	f.ReadOnly = t.opts.ReadOnly
	if t.conn.can.txProgress == nil {
		f.Used = true
		return
	}
	begun, sent := t.conn.can.txProgress()
	f.Used = f.Used || begun
	f.Sent = f.Sent && sent // what has left else is a BEGIN, which has no effect
}

// remember keeps the context of an operation that is over.
func (s *session) remember(ctx context.Context) {
	if ctx.Done() != nil && s.conn != nil {
		s.last = ctx
	}
}

// callerEnded reports whether the context of the last operation or of the transaction
// has ended. A driver may have given the connection up with it: while rows are read, or
// when it ended in the same moment as the answer came.
func (s *session) callerEnded() bool {
	return s.last != nil && ended(s.last) != nil || s.tx != nil && ended(s.tx.caller) != nil
}

// stale reports whether an error came before a prepared statement began to execute,
// where the statement may be prepared anew. In a transaction it may not: its error
// has ended that.
func (s *session) stale(c *Conn, err error) bool {
	return c.can.stale != nil && pgerror.Stale(err) && c.can.stale(err) && !s.inTransaction(c)
}

// noteAnswer keeps what the failure says of the server: whether it answers.
func (c *Conn) noteAnswer(answer bool, over error) {
	if over == context.DeadlineExceeded {
		c.silence = silentForCall
	}
	if answer || over != nil {
		c.answered = answer
	}
}

// says asks the driver what it holds of the connection.
func (c *Conn) says() verdict.Word {
	switch {
	case c.can.isValid == nil:
		return verdict.SaysNothing
	case c.gone():
		return verdict.SaysGone
	case c.can.panicked != nil && *c.can.panicked != nil:
		return verdict.SaysNothing
	case c.can.txStatus != nil && c.can.txStatus() != 0:
		return verdict.SaysReady
	}
	return verdict.SaysValid
}

// ended returns why the caller does not want the answer any more, or nil. A
// driver that sets the deadline on its socket may notice it a moment before
// the context does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
