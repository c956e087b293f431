package sqlpool

import (
	"context"
	"sync/atomic"
)

// A caller that gives a connection back often wants one again at once. While
// nobody else does, its session keeps the connection and takes it up again
// without the pool's lock and without a reading of the clock. To everybody else
// a kept connection is idle: who wants it takes it.
//
// keepTick bounds this (keeping.go). Two ticks after a connection was lent it
// goes through release like any other, and one that is kept becomes idle at the
// next tick, so that whatever waits for the end of a loan or for a connection at
// rest waits no longer.

// turns counts the loans that a connection went through without the pool's
// lock, and says whether it is kept between two of them. Whoever changes it
// from kept has the connection.
type turns struct{ word atomic.Uint64 }

const (
	turnKept   = 1 << iota // by a session
	turnBarred             // cut off by force: not to be kept any more
	turnOne                // the count begins here
)

func (t *turns) count() uint64 { return t.word.Load() / turnOne }
func (t *turns) kept() bool    { return t.word.Load()&turnKept != 0 }

// bar sees to it that the connection is not kept any more, and reports whether
// the loan with that count of turns was still out.
func (t *turns) bar(count uint64) bool {
	return t.word.CompareAndSwap(count*turnOne, count*turnOne|turnBarred)
}

// keep has the session keep its connection, which is fit to be lent again, and
// reports whether it does. The session no longer holds it then.
func (s *session) keep(c *Conn) bool {
	p, tick := s.pool, c.tick // read now: the connection may be another's before the second look
	terms := p.terms.word.Load()
	if !mayKeep(terms, tick) {
		return false
	}
	word := c.turns.word.Load()
	if word&turnBarred != 0 || !c.turns.word.CompareAndSwap(word, word|turnKept) {
		return false
	}
	// Who queues or closes the pool says so first and then looks for kept
	// connections, so one of the two sees the other.
	if !mayKeep(p.terms.word.Load(), tick) && c.turns.word.CompareAndSwap(word|turnKept, word) {
		return false
	}
	s.keptAt, s.tick = word|turnKept, terms/termTick
	return true
}

// mayKeep reports whether by these terms a connection that was lent at that tick
// may be kept.
func mayKeep(terms, tick uint64) bool {
	return terms&(termKeep|termCrowded|termClosed) == termKeep && terms/termTick-tick <= 1
}

// resume begins the next loan of the kept connection and reports whether it
// did. It does not when the pool has taken the connection, or when it is due a
// proof of life.
func (s *session) resume(ctx context.Context) bool {
	p, c, word := s.pool, s.conn, s.keptAt
	if !c.turns.word.CompareAndSwap(word, word-turnKept+turnOne) {
		return false
	}
	s.keptAt = 0
	c.unheard = false
	terms := p.terms.word.Load()
	if terms/termTick != s.tick {
		s.conn = nil
		p.unwind(c)
		return false
	}
	if err := c.reset(ctx); err != nil {
		s.conn = nil
		p.rejectTurn(c, because(CodeDead, err))
		return false
	}
	if terms&termPeaks != 0 {
		p.mu.Lock()
		p.notePeakLocked()
		p.mu.Unlock()
	}
	if len(p.hooks.onRelease) > 0 {
		c.began = p.now()
	}
	s.used = false
	if len(p.hooks.onAcquire) > 0 {
		if err := s.announce(c, 0); err != nil {
			s.sticky = err
		}
	}
	return true
}

// unkeep gives up the kept connection, if there is one and it is still the
// session's: it becomes idle now.
func (s *session) unkeep() {
	if s.keptAt == 0 {
		return
	}
	p, c, word := s.pool, s.conn, s.keptAt
	s.conn, s.keptAt = nil, 0
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.turns.word.Load() == word {
		p.stopKeepingLocked(c)
	}
}

// unwind makes a connection idle whose loan has just been resumed, as if it had
// not been.
func (p *Pool) unwind(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != stateInUse { // Shutdown took it by force meanwhile
		p.finishForcedLocked(c)
		return
	}
	c.loan--
	p.stats.AcquireCount--
	p.stats.ReleaseCount--
	p.restLocked(c)
}

// rejectTurn retires a connection whose loan was resumed in vain.
func (p *Pool) rejectTurn(c *Conn, reason error) {
	p.mu.Lock()
	if c.waiter != nil { // its wait was that of an earlier loan
		p.waiters.put(c.waiter)
		c.waiter = nil
	}
	p.mu.Unlock()
	p.reject(c, reason)
}
