package sqlpool

import (
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// A session that database/sql opened through Connect may never be used: with
// SetMaxOpenConns, its opener goroutine puts sessions aside. So the connection that
// such a session is granted is reserved: its own until the first use, but the pool
// may revoke it. A reservation is no loan yet in the counters and has not been
// announced, because the goroutine that opens a session is not always the one
// that uses it.

const (
	// reserveGrace is how long a reservation cannot be revoked: long enough for
	// the caller that waited for it to be scheduled and use it.
	reserveGrace = int64(5 * time.Millisecond)

	// reserveLimit is when the sweep takes a reservation back although no acquire
	// waits, so that the connection can age and be checked like an idle one.
	reserveLimit = int64(time.Second)
)

// reservedList holds the sessions with a reservation, the oldest first. Pool.mu
// protects it.
type reservedList struct{ head, tail *session }

func (l *reservedList) push(s *session) {
	s.prevReserved = l.tail
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.nextReserved = s
	}
	l.tail = s
}

func (l *reservedList) remove(s *session) {
	if s.prevReserved == nil {
		l.head = s.nextReserved
	} else {
		s.prevReserved.nextReserved = s.nextReserved
	}
	if s.nextReserved == nil {
		l.tail = s.prevReserved
	} else {
		s.nextReserved.prevReserved = s.prevReserved
	}
	s.prevReserved, s.nextReserved = nil, nil
}

// reserveLocked reserves a granted connection for a session that was just opened.
func (p *Pool) reserveLocked(s *session, c *Conn) {
	p.moveLocked(c, slots.Reserved)
	s.conn = c
	s.reservedAt = p.now()
	s.reserved.Store(true)
	p.reserved.push(s)
	if p.closed { // Shutdown has taken back the others already
		p.placeLocked(p.takeReservedLocked(s), s.reservedAt)
		return
	}
	p.armRevokeLocked()
}

// claim makes a reservation a loan and reports whether it was still there.
func (p *Pool) claim(s *session) bool {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.reserved.Load() {
		return s.conn != nil
	}
	c := s.conn
	p.unreserveLocked(s)
	p.moveLocked(c, slots.Lent)
	c.acquiredAt = now
	return true
}

func (p *Pool) unreserveLocked(s *session) {
	p.reserved.remove(s)
	s.reserved.Store(false)
}

// unreserve gives back the reservation of a session that does not want it any more.
func (p *Pool) unreserve(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.reserved.Load() {
		p.placeLocked(p.takeReservedLocked(s), p.now())
	}
}

// revokeLocked takes back the oldest reservation that is past its grace, or
// returns nil. The connection is to be granted or placed at once.
func (p *Pool) revokeLocked(now int64) *Conn {
	s := p.reserved.head
	if s == nil || p.paused || now-s.reservedAt < reserveGrace {
		return nil
	}
	return p.takeReservedLocked(s)
}

func (p *Pool) takeReservedLocked(s *session) *Conn {
	c := s.conn
	s.conn = nil // before the session can see that it is not reserved any more
	p.unreserveLocked(s)
	c.idleSince = s.reservedAt
	return c
}

// takeUnusedLocked makes idle what was reserved for sessions that have not used it
// for reserveLimit.
func (p *Pool) takeUnusedLocked(now int64) {
	for s := p.reserved.head; s != nil && now-s.reservedAt >= reserveLimit; s = p.reserved.head {
		p.placeLocked(p.takeReservedLocked(s), now)
	}
}

// armRevokeLocked sees to it that waiters get reserved connections when their grace
// is over.
func (p *Pool) armRevokeLocked() {
	if p.reserved.head == nil || p.waiters.Len() == 0 || p.closed || p.paused {
		return
	}
	p.revoke.Set(p.reserved.head.reservedAt+reserveGrace, p.now())
}

func (p *Pool) revokeForWaiters() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoke.Rang()
	for p.waiters.Len() > 0 {
		c := p.revokeLocked(now)
		if c == nil {
			break
		}
		p.placeLocked(c, now)
	}
	p.armRevokeLocked()
}
