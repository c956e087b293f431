package sqlpool

import (
	"slices"
	"time"
)

// The idle stack and what moves connections on and off it. Every function here
// runs with Pool.mu held.

// popIdleLocked takes the connection used last, or returns nil: also while the
// pool is paused, until it is shut down.
func (p *Pool) popIdleLocked() *Conn {
	last := len(p.idle) - 1
	if last < 0 || p.paused && !p.closed {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// dropIdleLocked takes c out of the middle of the stack and reports whether it
// was there.
func (p *Pool) dropIdleLocked(c *Conn) bool {
	i := slices.Index(p.idle, c)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// pushIdleLocked puts c back where its idle time belongs: nearly always on
// top.
func (p *Pool) pushIdleLocked(c *Conn) {
	c.state = stateIdle
	i := len(p.idle)
	if i == 0 || p.idle[i-1].idleSince <= c.idleSince {
		p.idle = append(p.idle, c)
		return
	}
	for i > 0 && p.idle[i-1].idleSince > c.idleSince {
		i--
	}
	p.idle = slices.Insert(p.idle, i, c)
}

// lendLocked begins a loan of a connection that is in no stack.
func (p *Pool) lendLocked(c *Conn, now int64) {
	c.state = stateInUse
	c.loan++
	c.taken = false
	c.acquiredAt = now
	c.unheard, c.answered, c.handed = false, false, false
	c.waited = 0
	p.tickLocked(now)
	p.inUse++
	p.stats.AcquireCount++
	p.stats.PeakInUse = max(p.stats.PeakInUse, p.inUse)
}

// tickLocked notes a reading of the clock.
func (p *Pool) tickLocked(now int64) {
	if now > p.clock {
		p.clock = now
	}
}

// giveLocked gives a connection that is in no stack and counted nowhere to the
// waiter whose turn it is, or makes it idle, or closes it when Recycle has marked it or
// Resize has left no room for it. It reports whether it became idle.
func (p *Pool) giveLocked(c *Conn, now int64) bool {
	if c.outdated {
		p.closeLocked(c, recycled)
		p.dialMoreLocked()
		return false
	}
	if len(p.conns) > p.stats.MaxConns && p.excessLocked() >= 0 {
		p.closeLocked(c, resized)
		return false
	}
	if p.waiters.Len() == 0 || p.paused {
		p.pushIdleLocked(c)
		return true
	}
	w := p.waiters.Next(now)
	p.lendLocked(c, now)
	c.waiter = w
	c.waited = now - w.Since
	p.stats.WaitCount++
	p.stats.WaitTime += time.Duration(c.waited)
	p.stats.MaxWait = max(p.stats.MaxWait, time.Duration(c.waited))
	w.Grant(c)
	return false
}

// endLoanLocked takes a connection back from its borrower: it is then in no
// stack and counted nowhere.
func (p *Pool) endLoanLocked(c *Conn, now int64) {
	p.inUse--
	c.idleSince = now
	p.stats.ReleaseCount++
	if p.waiters.Len() > 0 {
		p.waiters.Loan(now-c.acquiredAt, c.unheard)
	}
	if c.waiter != nil {
		p.waiters.Put(c.waiter)
		c.waiter = nil
	}
}

// passOnLocked takes back a grant that its waiter will never use and gives it
// to the next one.
func (p *Pool) passOnLocked(c *Conn) {
	if c.state != stateInUse { // Shutdown took it by force meanwhile
		p.finishForcedLocked(c)
		return
	}
	p.ungrantLocked(c)
	c.waiter = nil // the waiter is its caller's to put back
	if p.closed {
		p.closeLocked(c, &Reason{Code: CodeShutdown})
		return
	}
	p.giveLocked(c, p.now())
}

// ungrantLocked ends a grant that was never used and so was no loan. The
// connection is then in no stack and counted nowhere.
func (p *Pool) ungrantLocked(c *Conn) {
	p.inUse--
	p.stats.AcquireCount--
	c.loan, c.taken = c.loan-1, true // it was none, and the one before has ended
	if c.waiter != nil {
		p.stats.WaitCount--
		p.stats.WaitTime -= time.Duration(c.waited)
	}
}
