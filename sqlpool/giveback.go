package sqlpool

import (
	"github.com/sqlpool/go/sqlpool/internal/dialing"
	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// task is what a connection needs before it is of use to the next borrower.
type task int8

const (
	nothing task = iota
	cleaning
	pinging // and cleaning, if it needs that too
)

// outcome is how an acquire, a borrower or the upkeep has done with a connection.
type outcome struct {
	reason error // why it is to be closed, or nil: it works
	todo   task  // what it needs then
	proves bool  // what was done with it has shown that the server is there
}

// giveBack is where every connection goes that an acquire, a borrower or the pool's
// own upkeep has done with, whichever way that ended: it is closed, for a reason of
// its own or because the pool wants it gone; or worked on first; or granted to the waiter whose
// turn it is; or idle.
func (p *Pool) giveBack(c *Conn, o outcome) {
	fault := p.faultOf(c, o.reason) // before the lock: what an error says may be code of others
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBackLocked(c, o, fault)
}

func (p *Pool) giveBackLocked(c *Conn, o outcome, fault *dialFailure) {
	p.freeWaiterLocked(c)
	if c.state.Cut() { // it was taken by force meanwhile
		p.finishAbandonedLocked(c)
		return
	}
	now := max(p.clock, c.acquiredAt)
	if p.waiters.Len() > 0 {
		now = p.now() // what a waiter waited is measured
		p.tickLocked(now)
	}
	if c.state.Lent() {
		c.idleSince = now
		if p.waiters.Len() > 0 {
			p.waiters.Loan(now-c.acquiredAt, c.silence != heard)
		}
	}
	if c.state.Borrowed() && o.reason == nil && c.hasWork() { // under the lock: what ends later finds it idle (see tidy)
		o.todo = cleaning
	}
	if o.reason != nil && c.state == slots.Inspecting && p.keepsForNowLocked(o.reason) {
		o.reason = nil
	}
	switch {
	case o.reason != nil:
		p.closeLocked(c, o.reason)
		p.lostLocked(c, fault)
		return
	case o.todo != nothing && !p.closed:
		p.upkeepLocked(c, o.todo)
	default:
		p.placeLocked(c, now)
	}
	if o.proves {
		p.provedLocked(c)
	}
}

// placeLocked finds the place of a connection that works: it closes it when the pool
// shuts down, Recycle has marked it or Resize has left no room for it, grants it to
// the waiter whose turn it is, or makes it idle.
func (p *Pool) placeLocked(c *Conn, now int64) {
	open := p.slots.Open()
	if c.state == slots.Dialing { // a new one
		open++
	}
	switch {
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	case c.leaves != nil:
		p.closeLocked(c, c.leaves)
		p.dialMoreLocked()
	case open > p.stats.MaxConns:
		p.closeLocked(c, resized)
	case p.waiters.Len() > 0 && !p.paused:
		p.grantLocked(c, p.waiters.Next(now), now)
	default:
		p.moveLocked(c, slots.Idle)
		p.idle.Push(c, c.idleSince)
	}
}

// faultOf is what the end of a connection says of the server, as a failed dial would,
// or nil.
func (p *Pool) faultOf(c *Conn, reason error) *dialFailure {
	switch {
	case reason == nil:
		return nil
	case c.silence == silentForPing:
		f := p.judgeDial(reason)
		f.kind = dialing.Unanswered
		return &f
	}
	return c.unborn
}

// lostLocked is called when a connection has been closed that did not work any more.
//
// A call that its caller's deadline ended is no evidence against the server: it
// may have been slow by itself. But when the network swallows what is sent, it
// is all there is to see, and every connection that lies idle would cost one
// caller its deadline. So a silent connection throws suspicion on all that were
// not used since: they are asked side by side. With the last of all, nothing
// is known of the database any more, and a dial has to find out, whether or not
// a caller comes: readiness may keep callers away.
func (p *Pool) lostLocked(c *Conn, fault *dialFailure) {
	ticket, silent := c.ticket, c.silence == silentForPing
	switch {
	case silent:
		p.probeUnusedLocked(c.silentAt)
		ticket = p.pacer.Ticket()
	case c.silence == silentForCall:
		p.probeUnusedLocked(c.acquiredAt)
	}
	if fault != nil && !(silent && p.slots.Open() > 0) { // else what is asked will tell
		p.diedUnusedLocked(*fault, ticket, p.now())
	} else {
		p.reviewLocked(p.now())
		p.stateMayMoveLocked(p.dialErr)
	}
	p.dialMoreLocked() // MinIdle may want another, and not only when this one's slot is free
}
