package sqlpool

import (
	"errors"
	"time"
)

// release ends a loan and reports whether the connection became idle. It does
// no I/O: what needs the network goes to settle, in the background.
func (p *Pool) release(c *Conn) (idle bool) {
	dirty, reason := p.part(c) // before the lock: no driver is called under it
	return p.takeBack(c, dirty, reason)
}

// part finds out, and tells the hooks, how a connection comes back.
func (p *Pool) part(c *Conn) (dirty bool, reason error) {
	dirty, reason = c.judge()
	if reason == nil && len(p.hooks.afterRelease) > 0 {
		reason = decideRelease(p.hooks.afterRelease, c, func(reason error) { p.retire(c, reason) })
	}
	if len(p.hooks.onRelease) > 0 {
		if err := p.tellReleased(c, c.loan, c.acquiredAt, reason, func(exit error) { p.retire(c, exit) }); err != nil && reason == nil {
			reason = err
		}
	}
	return dirty, reason
}

func (p *Pool) takeBack(c *Conn, dirty bool, reason error) (idle bool) {
	proves := reason == nil && c.proves()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := max(p.clock, c.acquiredAt)
	if p.waiters.Len() > 0 {
		now = p.now() // what a waiter waited is measured
		p.tickLocked(now)
	}
	if c.state != stateInUse { // Shutdown took it by force meanwhile
		p.finishForcedLocked(c)
		return false
	}
	p.endLoanLocked(c, now)
	if reason == nil {
		idle = p.placeLocked(c, dirty, now)
		if proves {
			p.provedLocked(c)
		}
		return idle
	}
	if c.unheard {
		p.askUnusedLocked(c.acquiredAt)
	}
	p.closeLocked(c, reason)
	if c.unborn != nil {
		p.diedUnusedLocked(*c.unborn, c.ticket, p.now())
	}
	p.dialMoreLocked() // MinIdle may want another, and not only when this one's slot is free
	return false
}

// handOut notes that the borrower uses the driver's own connection, of which the pool
// sees only that bytes are sent.
func (c *Conn) handOut() {
	c.handed = true
	if c.can.sent != nil {
		c.sentAt = c.can.sent()
	}
}

// proves reports whether the loan that ends has shown that the server is there. An
// empty one has not, and neither has one whose last statement was not answered.
func (c *Conn) proves() bool {
	if c.answered || !c.handed || c.can.sent == nil {
		return c.answered
	}
	return c.can.sent() != c.sentAt && (c.can.running == nil || !c.can.running())
}

// placeLocked finds the place of a connection that came back from a loan and
// still works. It reports whether that is among the idle ones.
func (p *Pool) placeLocked(c *Conn, dirty bool, now int64) (idle bool) {
	switch {
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	case dirty || c.hasWork():
		c.state = stateChecking
		p.checking++
		p.work.Go(func() { p.settle(c) })
	default:
		return p.giveLocked(c, now)
	}
	return false
}

// retire ends a loan and the connection with it.
func (p *Pool) retire(c *Conn, reason error) {
	if err := p.tellReleased(c, c.loan, c.acquiredAt, reason, func(exit error) { p.retire(c, exit) }); err != nil {
		reason = errors.Join(reason, err)
	}
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != stateInUse {
		p.finishForcedLocked(c)
		return
	}
	p.endLoanLocked(c, now)
	p.closeLocked(c, reason)
}

// judge says why a connection that comes back must not be lent again, or nil,
// and whether it was left in a transaction.
func (c *Conn) judge() (dirty bool, reason error) {
	switch {
	case c.broken != nil:
		return false, c.broken
	case c.pinned > 0:
		return false, &Reason{Code: CodePinned}
	}
	if c.can.isValid != nil && !c.can.isValid() {
		if c.can.panicked != nil && *c.can.panicked != nil {
			return false, *c.can.panicked
		}
		return false, &Reason{Code: CodeBroken, Err: errors.New("the driver says that the connection is not valid")}
	}
	return c.dirty(), nil
}

func (p *Pool) tellReleased(c *Conn, loan uint64, began int64, reason error, exits tail) error {
	if len(p.hooks.onRelease) == 0 || c.told.Swap(loan) == loan {
		return nil
	}
	held := time.Duration(p.now() - began)
	return watch("OnRelease", p.hooks.onRelease, Released{Conn: c, Held: held, Reason: reason}, exits)
}

// tellReleasedAside is tellReleased for a loan that is ended by force: its borrower
// may be using the connection still.
func (p *Pool) tellReleasedAside(c *Conn, loan uint64, began int64, reason error) error {
	return aside("OnRelease", len(p.hooks.onRelease), func() error { return p.tellReleased(c, loan, began, reason, func(error) {}) })
}
