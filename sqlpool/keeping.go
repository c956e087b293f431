package sqlpool

import "time"

// The pool's side of keep.go.

// keepTick is how often kept connections are looked at while there are any. It
// is short against everything that a connection at rest is due, and long enough
// that waking up for it costs nothing: every millisecond cost a caller of a
// server on the same machine a fifth of his processor time.
const keepTick = 10 * time.Millisecond

// stopKeepingLocked takes a kept connection from its session. It reports whether c
// was kept.
func (p *Pool) stopKeepingLocked(c *Conn) bool {
	word := c.turns.word.Load()
	if word&turnKept == 0 || !c.turns.word.CompareAndSwap(word, word-turnKept+turnOne) {
		return false
	}
	c.loan-- // no loan has begun
	p.stats.AcquireCount--
	p.stats.ReleaseCount--
	p.restLocked(c)
	return true
}

// seizeLocked takes a connection from its borrower for good, and reports whether
// there was one: what was only kept is at rest then.
func (p *Pool) seizeLocked(c *Conn) bool {
	for !c.turns.bar(c.turns.count()) {
		if p.stopKeepingLocked(c) {
			return false
		}
	}
	return true
}

// stopAllKeepingLocked takes every kept connection from its session.
func (p *Pool) stopAllKeepingLocked() {
	if !p.terms.has(termKeep) {
		return
	}
	for _, c := range p.conns {
		p.stopKeepingLocked(c)
	}
}

// restLocked ends a loan whose connection was found fit when it came back.
func (p *Pool) restLocked(c *Conn) {
	now := max(p.clock, c.acquiredAt)
	p.endLoanLocked(c, now)
	p.placeLocked(c, false, now)
}

// countTurnsLocked adds the loans that a connection went through by itself to
// the pool's counters.
func (p *Pool) countTurnsLocked(c *Conn) {
	n := c.turns.count()
	p.stats.AcquireCount += n - c.counted
	p.stats.ReleaseCount += n - c.counted
	c.counted = n
}

// keptLocked counts the connections that sessions keep.
func (p *Pool) keptLocked() int {
	n := 0
	if p.terms.has(termKeep) {
		for _, c := range p.conns {
			if c.turns.kept() {
				n++
			}
		}
	}
	return n
}

// addKeptLocked corrects figures in which kept connections are in use and their
// turns not counted.
func (p *Pool) addKeptLocked(s *Stats) {
	for _, c := range p.conns {
		word := c.turns.word.Load()
		n := word/turnOne - c.counted
		s.AcquireCount += n
		s.ReleaseCount += n
		if word&turnKept != 0 {
			s.ReleaseCount++
			s.InUse--
			s.Idle++
		}
	}
}

// startKeeping lets sessions keep connections, for as long as they do.
func (p *Pool) startKeeping() {
	if len(p.hooks.beforeAcquire) > 0 { // they look at every connection that is lent
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.paused || p.terms.has(termKeep) {
		return
	}
	p.terms.tick(2) // what is out has been out for who knows how long
	p.terms.set(termKeep, true)
	if p.keepTimer == nil {
		p.keepTimer = time.AfterFunc(keepTick, p.keepTick)
	} else {
		p.keepTimer.Reset(keepTick)
	}
}

// keepTick makes idle what is kept: it comes to rest, and is looked at before
// it is lent again. The clock stops when nothing has been kept since the last
// tick.
func (p *Pool) keepTick() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tickLocked(now)
	p.terms.tick(1)
	active := false
	for _, c := range p.conns {
		if n := c.turns.count(); n != c.counted {
			p.countTurnsLocked(c)
			active = true
		}
		active = p.stopKeepingLocked(c) || active
	}
	if active && !p.closed {
		p.keepTimer.Reset(keepTick)
	} else {
		p.endKeepingLocked()
	}
	p.dialMoreLocked() // a kept connection that was resumed may be one below MinIdle
}

// endKeepingLocked has sessions keep nothing until startKeeping.
func (p *Pool) endKeepingLocked() {
	p.terms.set(termKeep, false) // first: a session looks at it after it has kept
	for _, c := range p.conns {
		p.stopKeepingLocked(c)
		p.countTurnsLocked(c)
	}
}
