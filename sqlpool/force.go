package sqlpool

import "github.com/sqlpool/go/sqlpool/internal/slots"

// Reclaim ends a loan by force and reports whether it was still out: its
// connection is cut, so that the borrower's next call fails, and the slot can
// be dialed into again. The borrower's release, whenever it comes, is harmless.
// loan is what Lending returned: a later loan of the same connection is left
// alone. Any goroutine.
//
// It is for a loan that is certainly lost. One that is merely slow loses its
// transaction.
func (c *ConnRef) Reclaim(loan uint64) bool {
	p := c.pool
	out, now, ok := p.seize(c, loan)
	if ok {
		p.cut(out, now)
	}
	return ok
}

// seize abandons a connection, if it has that loan still.
func (p *Pool) seize(c *ConnRef, loan uint64) (out heldLoan, now int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.state.Lent() || loan == 0 || p.closed || c.loan != loan {
		return heldLoan{}, 0, false
	}
	out, now = p.conns[c.place].heldLocked(), p.now()
	p.abandonLocked(out.c)
	return out, now, true
}

// cut cuts off a borrower whose connection has been abandoned, and tells the hooks.
func (p *Pool) cut(h heldLoan, now int64) {
	reason := &Reason{Code: CodeForced}
	go h.c.abort() // not even a driver that hangs here holds up the caller
	if h.lent {
		if err := p.tellReleasedAside(h.c, h.loan, h.since, reason); err != nil {
			p.noteError(err)
		}
	}
	p.tellClosed(h.c, reason, now, 0)
}

// force cuts off every loan that is out and returns them. The borrower's next
// call fails, and its release, whenever that comes, closes the connection.
// What belongs to the borrower is left alone: it may be using it.
func (p *Pool) force() []Holder {
	all, now := p.seizeAll()
	holders := describe(all, -1, now)
	for _, h := range all {
		p.cut(h, now)
	}
	return holders
}

func (p *Pool) seizeAll() (all []heldLoan, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all = p.heldLocked()
	for _, h := range all {
		p.abandonLocked(h.c)
	}
	return all, p.now()
}

// abandonLocked frees the slot of a connection that is still being used, by code that
// cannot be made to stop. When that lets go, the connection is closed
// (finishAbandonedLocked): a driver.Conn may not be closed while it is used.
func (p *Pool) abandonLocked(c *Conn) {
	to := slots.Abandoned
	if c.state == slots.Lent {
		to = slots.Forced
	}
	p.moveLocked(c, to)
	p.dialMoreLocked()
	p.changedLocked()
}

// finishAbandonedLocked closes an abandoned connection, now that it is not used
// any more.
func (p *Pool) finishAbandonedLocked(c *Conn) {
	p.moveLocked(c, slots.Gone)
	go closeQuietly(whole{c})
}
