package sqlpool

import (
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// Loan is one borrowing of a physical connection. It is a small value: copies
// are the same loan. The zero Loan is not held. A loan belongs to one
// goroutine at a time.
type Loan struct {
	conn *Conn
	loan uint64 // Conn.loan while it is held
}

// Conn returns the connection, or nil when the loan is not held any more.
func (l Loan) Conn() *Conn {
	if !l.held() {
		return nil
	}
	return l.conn
}

// Release ends the loan: the connection goes to the first waiter, or becomes
// idle, or is retired when it is not fit for either. A loan that is not held
// any more is left alone, and so is the loan that came after it: the error is then
// ErrNotHeld.
func (l Loan) Release() error {
	if !l.claimEnd() {
		return ErrNotHeld
	}
	l.conn.pool.release(l.conn)
	return nil
}

// Retire ends the loan and the connection with it, for the given reason or, if
// that is nil, with CodeRetired.
func (l Loan) Retire(reason error) error {
	if !l.claimEnd() {
		return ErrNotHeld
	}
	if reason == nil {
		reason = &Reason{Code: CodeRetired}
	}
	l.conn.pool.retire(l.conn, reason)
	return nil
}

func (l Loan) held() bool {
	if l.conn == nil {
		return false
	}
	p := l.conn.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.conn.state == slots.Lent && l.conn.loan == l.loan
}

// claimEnd reports true to one caller of all that end the loan.
func (l Loan) claimEnd() bool {
	if l.conn == nil {
		return false
	}
	p := l.conn.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	c := l.conn
	switch {
	case c.loan != l.loan:
	case c.state == slots.Lent:
		p.moveLocked(c, slots.Returning)
		return true
	case c.state == slots.Forced: // an Abandoned one is given back by what works on it
		p.finishAbandonedLocked(c)
		return false
	}
	p.stats.MisuseCount++
	return false
}

// begin makes the grant of a connection that has passed its check a loan, or has it
// reserved for a session.
func (p *Pool) begin(c *Conn, reserve *reservation, start int64) (*Conn, error) {
	cut, closed := p.beginLoan(c, reserve)
	switch {
	case !cut:
		return c, nil
	case closed:
		return nil, p.failure(ErrClosed, nil, PhaseValidating, start)
	}
	return nil, p.failure(nil, &Reason{Code: CodeForced}, PhaseValidating, start)
}

// beginLoan is begin under the lock. cut reports that Shutdown or Reclaim has taken the
// connection meanwhile, closed that it was Shutdown.
func (p *Pool) beginLoan(c *Conn, reserve *reservation) (cut, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut = c.state == slots.Abandoned
	if c.waiter != nil && !cut {
		p.stats.WaitCount++
		p.stats.WaitTime += time.Duration(c.waited)
		p.stats.MaxWait = max(p.stats.MaxWait, time.Duration(c.waited))
	}
	p.freeWaiterLocked(c)
	switch {
	case cut:
		p.finishAbandonedLocked(c)
	case reserve != nil:
		p.reserveLocked(reserve, c)
	default:
		p.moveLocked(c, slots.Lent)
	}
	return cut, p.closed
}

// announce tells the OnAcquire hooks that the loan has begun.
func (p *Pool) announce(c *Conn) error {
	if len(p.hooks.onAcquire) == 0 {
		return nil
	}
	event := Acquired{Conn: &c.ConnRef, Waited: time.Duration(c.waited)}
	if err := watch("OnAcquire", p.hooks.onAcquire, event, func(reason error) { p.retire(c, reason) }); err != nil {
		began := c.acquiredAt
		p.retire(c, err)
		return p.failure(nil, err, PhaseValidating, began)
	}
	return nil
}
