package sqlpool

import (
	"errors"
	"time"
)

// release ends a loan, and reports whether the connection is fit for another one as it
// is. It does no I/O: what needs the network is done in the background (see upkeep.go).
func (p *Pool) release(c *Conn) (fit bool) {
	dirty, reason := p.checkReturned(c) // before the lock: no driver is called under it
	o := outcome{reason: reason}
	if reason == nil {
		o.proves = c.proves()
		if dirty {
			o.todo = cleaning
		}
	}
	p.giveBack(c, o)
	return reason == nil && !dirty
}

// checkReturned finds out how a connection comes back, and tells the hooks.
func (p *Pool) checkReturned(c *Conn) (dirty bool, reason error) {
	reason = c.unfit()
	if reason == nil && len(p.hooks.afterRelease) > 0 {
		reason = decideRelease(p.hooks.afterRelease, c, func(reason error) { p.retire(c, reason) })
	}
	dirty = reason == nil && c.dirty()
	if len(p.hooks.onRelease) > 0 {
		if err := p.tellReleased(c, c.loan, c.acquiredAt, reason, func(exit error) { p.retire(c, exit) }); err != nil && reason == nil {
			reason = err
		}
	}
	return dirty, reason
}

// retire ends a loan and the connection with it.
func (p *Pool) retire(c *Conn, reason error) {
	if err := p.tellReleased(c, c.loan, c.acquiredAt, reason, func(exit error) { p.retire(c, exit) }); err != nil {
		reason = errors.Join(reason, err)
	}
	p.giveBack(c, outcome{reason: reason})
}

// unfit says why a connection that comes back must not be lent again, or nil.
func (c *Conn) unfit() error {
	switch {
	case c.broken != nil:
		return c.broken
	case c.pinned > 0:
		return &Reason{Code: CodePinned}
	}
	if c.can.isValid != nil && !c.can.isValid() {
		if c.can.panicked != nil && *c.can.panicked != nil {
			return *c.can.panicked
		}
		return &Reason{Code: CodeBroken, Err: errors.New("the driver says that the connection is not valid")}
	}
	return nil
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

func (p *Pool) tellReleased(c *Conn, loan uint64, began int64, reason error, exits tail) error {
	if len(p.hooks.onRelease) == 0 || c.told.Swap(loan) == loan {
		return nil
	}
	held := time.Duration(p.now() - began)
	return watch("OnRelease", p.hooks.onRelease, Released{Conn: &c.ConnRef, Held: held, Reason: reason}, exits)
}

// tellReleasedAside is tellReleased for a loan that is ended by force: its borrower
// may be using the connection still.
func (p *Pool) tellReleasedAside(c *Conn, loan uint64, began int64, reason error) error {
	return aside("OnRelease", len(p.hooks.onRelease), func() error { return p.tellReleased(c, loan, began, reason, func(error) {}) })
}
