package sqlpool

import "time"

// A session that package sql opened through Connect may never be used: with
// SetMaxOpenConns, its opener goroutine puts sessions aside. So the loan such
// a session was granted is parked: its own until the first use, but the pool
// may revoke it. A parked loan is no loan yet in the counters and has not been
// announced, because the goroutine that opens a session is not always the one
// that uses it.

const (
	// parkGrace is how long a parked loan cannot be revoked: long enough for
	// the caller that waited for it to be scheduled and use it.
	parkGrace = int64(5 * time.Millisecond)

	// parkLimit is when the sweep takes a parked loan back although nobody
	// waits, so that the connection can age and be checked like an idle one.
	parkLimit = int64(time.Second)
)

// parkedList holds the sessions with a parked loan, the oldest first. Pool.mu
// protects it.
type parkedList struct {
	head, tail *session
	timer      *time.Timer // runs revokeForWaiters; nil until first needed
}

func (l *parkedList) push(s *session) {
	s.prevParked = l.tail
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.nextParked = s
	}
	l.tail = s
}

func (l *parkedList) remove(s *session) {
	if s.prevParked == nil {
		l.head = s.nextParked
	} else {
		s.prevParked.nextParked = s.nextParked
	}
	if s.nextParked == nil {
		l.tail = s.prevParked
	} else {
		s.nextParked.prevParked = s.prevParked
	}
	s.prevParked, s.nextParked = nil, nil
}

// park makes the loan of a session that was just opened revocable.
func (p *Pool) park(s *session) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.conn.state != stateInUse { // taken by force: the first use will tell
		return
	}
	s.conn.parkedBy = s
	s.parkedAt = now
	s.parked.Store(true)
	p.parked.push(s)
	p.stats.AcquireCount--
	if p.closed { // Shutdown has taken back the others already
		p.closeLocked(p.takeParkedLocked(s), &Reason{Code: CodeShutdown})
		return
	}
	p.armRevokeLocked()
}

// claim makes a parked loan an ordinary one and reports whether it was still
// there.
func (p *Pool) claim(s *session) bool {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.parked.Load() {
		return s.conn != nil
	}
	c := s.conn
	p.unparkLocked(s, c)
	c.acquiredAt = now
	p.stats.AcquireCount++
	return true
}

func (p *Pool) unparkLocked(s *session, c *Conn) {
	p.parked.remove(s)
	c.parkedBy = nil
	s.parked.Store(false)
}

// unpark gives back a parked loan that its session does not want any more, and
// reports whether the connection became idle.
func (p *Pool) unpark(s *session) (idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.parked.Load() {
		return false
	}
	c := p.takeParkedLocked(s)
	if p.closed {
		p.closeLocked(c, &Reason{Code: CodeShutdown})
		return false
	}
	return p.giveLocked(c, p.now())
}

// revokeLocked takes back the oldest parked loan that is past its grace, or
// returns nil. The connection is then in no stack and counted nowhere.
func (p *Pool) revokeLocked(now int64) *Conn {
	s := p.parked.head
	if s == nil || p.paused || now-s.parkedAt < parkGrace {
		return nil
	}
	return p.takeParkedLocked(s)
}

func (p *Pool) takeParkedLocked(s *session) *Conn {
	c := s.conn
	s.conn = nil // before the session can see that it is not parked any more
	p.unparkLocked(s, c)
	p.inUse--
	c.loan, c.taken = c.loan-1, true // it was none, and the one before has ended
	c.idleSince = s.parkedAt
	if c.waiter != nil {
		p.waiters.Put(c.waiter)
		c.waiter = nil
	}
	return c
}

// armRevokeLocked sees to it that waiters get parked loans when their grace is
// over.
func (p *Pool) armRevokeLocked() {
	if p.parked.head == nil || p.waiters.Len() == 0 || p.closed || p.paused {
		return
	}
	left := time.Duration(max(p.parked.head.parkedAt+parkGrace-p.now(), 0))
	if p.parked.timer == nil {
		p.parked.timer = time.AfterFunc(left, p.revokeForWaiters)
	} else {
		p.parked.timer.Reset(left)
	}
}

func (p *Pool) revokeForWaiters() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.waiters.Len() > 0 {
		c := p.revokeLocked(now)
		if c == nil {
			break
		}
		p.giveLocked(c, now)
	}
	p.armRevokeLocked()
}
