package sqlpool

import (
	"context"
	"sync/atomic"
	"time"
)

// A caller that gives a connection back often wants one again at once. While
// nobody else does, its session keeps the connection and takes it up again
// without the pool's lock and without a reading of the clock. To everybody else
// a kept connection is idle: who wants it takes it.
//
// keepTick bounds this. Two ticks after a connection was lent it goes through
// release like any other, and one that is kept becomes idle at the next tick, so
// that whatever waits for the end of a loan or for a connection at rest waits no
// longer.

// keepTick is how often kept connections are looked at while there are any. It
// is short against everything that a connection at rest is due, and long enough
// that waking up for it costs nothing: every millisecond cost a caller of a
// server on the same machine a fifth of his processor time.
const keepTick = 10 * time.Millisecond

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

// keeping is the pool's side. The timer belongs to Pool.mu.
type keeping struct {
	on    atomic.Bool   // the clock ticks; sessions may keep connections only then
	ticks atomic.Uint64 // a change of generation counts for two
	peaks atomic.Bool   // a loan that is resumed may be a new Stats.PeakInUse
	timer *time.Timer
}

// keep has the session keep its connection, which is fit to be lent again, and
// reports whether it does. The session no longer holds it then.
func (s *session) keep(c *Conn) bool {
	p, tick := s.pool, c.tick
	now, ok := p.mayKeep(tick)
	if !ok {
		return false
	}
	word := c.turns.word.Load()
	if word&turnBarred != 0 || !c.turns.word.CompareAndSwap(word, word|turnKept) {
		return false
	}
	// Who queues or closes the pool says so first and then looks for kept
	// connections, so one of the two sees the other.
	if _, ok := p.mayKeep(tick); !ok && c.turns.word.CompareAndSwap(word|turnKept, word) {
		return false
	}
	s.keptAt, s.tick = word|turnKept, now
	return true
}

// mayKeep reports whether a connection that was lent at that tick may be kept,
// and which tick it is now.
func (p *Pool) mayKeep(tick uint64) (now uint64, ok bool) {
	now = p.keeping.ticks.Load()
	return now, p.keeping.on.Load() && now-tick <= 1 && !p.waiters.some.Load() && !p.isClosed.Load()
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
	if p.keeping.ticks.Load() != s.tick {
		s.conn = nil
		p.unwind(c)
		return false
	}
	if err := c.reset(ctx); err != nil {
		s.conn = nil
		p.rejectTurn(c, because(CodeDead, err))
		return false
	}
	if p.keeping.peaks.Load() {
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
	if !p.keeping.on.Load() {
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
	switch {
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	case c.hasWork():
		c.state = stateChecking
		p.checking++
		p.work.Go(func() { p.settle(c) })
	default:
		p.giveLocked(c, now)
	}
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
	if p.keeping.on.Load() {
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
	if p.closed || p.paused || p.keeping.on.Load() {
		return
	}
	p.keeping.ticks.Add(2) // what is out has been out for who knows how long
	p.keeping.on.Store(true)
	if p.keeping.timer == nil {
		p.keeping.timer = time.AfterFunc(keepTick, p.keepTick)
	} else {
		p.keeping.timer.Reset(keepTick)
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
	p.keeping.ticks.Add(1)
	active := false
	for _, c := range p.conns {
		if n := c.turns.count(); n != c.counted {
			p.countTurnsLocked(c)
			active = true
		}
		active = p.stopKeepingLocked(c) || active
	}
	if active && !p.closed {
		p.keeping.timer.Reset(keepTick)
	} else {
		p.endKeepingLocked()
	}
	p.dialMoreLocked() // a kept connection that was resumed may be one below MinIdle
}

// endKeepingLocked has sessions keep nothing until startKeeping.
func (p *Pool) endKeepingLocked() {
	p.keeping.on.Store(false) // first: a session looks at it after it has kept
	for _, c := range p.conns {
		p.stopKeepingLocked(c)
		p.countTurnsLocked(c)
	}
}
