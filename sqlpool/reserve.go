package sqlpool

import (
	"context"
	"sync/atomic"
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

// A reservation is the connection that is reserved for one session, if there is one.
// Pool.mu protects it, but for held.
type reservation struct {
	held       atomic.Bool
	conn       *Conn // nil when it is not held
	since      int64
	next, prev *reservation
}

// reservations are those that are held, the oldest first. Pool.mu protects them.
type reservations struct{ head, tail *reservation }

func (l *reservations) push(r *reservation) {
	r.prev = l.tail
	if l.tail == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
}

func (l *reservations) remove(r *reservation) {
	if r.prev == nil {
		l.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		l.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

// reserveLocked reserves a granted connection.
func (p *Pool) reserveLocked(r *reservation, c *Conn) {
	p.moveLocked(c, slots.Reserved)
	r.conn, r.since = c, p.now()
	r.held.Store(true)
	p.reserved.push(r)
	if p.closed { // Shutdown has taken back the others already
		p.placeLocked(p.takeBackLocked(r), r.since)
		return
	}
	p.armRevokeLocked()
}

// claim makes a reservation a loan. It returns nil when it has been revoked. What was
// found out about the connection when it was reserved holds for a moment only: after
// that it is checked again.
func (p *Pool) claim(ctx context.Context, r *reservation) (*Conn, error) {
	c, proven := p.claimed(r)
	if proven {
		return c, nil
	}
	return p.acquireAs(ctx, acquiring{granted: c})
}

// claimed reports whether the connection may be lent as it is. Otherwise it is
// granted, if there is one.
func (p *Pool) claimed(r *reservation) (c *Conn, proven bool) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.conn == nil {
		return nil, true
	}
	if now-r.since > restedAfter || r.conn.proven != p.generation.Load() {
		c = p.takeBackLocked(r)
		p.grantLocked(c, nil, now)
		return c, false
	}
	c = p.unreserveLocked(r)
	p.moveLocked(c, slots.Lent)
	c.acquiredAt = now
	return c, true
}

// unreserve gives back a reservation that is not wanted any more.
func (p *Pool) unreserve(r *reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.conn != nil {
		p.placeLocked(p.takeBackLocked(r), p.now())
	}
}

// revokeLocked takes back the oldest reservation that is past its grace, or
// returns nil. The connection is to be granted or placed at once.
func (p *Pool) revokeLocked(now int64) *Conn {
	r := p.reserved.head
	if r == nil || p.paused || now-r.since < reserveGrace {
		return nil
	}
	return p.takeBackLocked(r)
}

// takeBackLocked ends a reservation that was not used. Its connection is to be granted
// or placed at once.
func (p *Pool) takeBackLocked(r *reservation) *Conn {
	c := p.unreserveLocked(r)
	c.idleSince = r.since
	return c
}

func (p *Pool) unreserveLocked(r *reservation) *Conn {
	c := r.conn
	p.reserved.remove(r)
	r.conn = nil
	r.held.Store(false)
	return c
}

// revokeOlderLocked places what has been reserved and not used since then or longer.
func (p *Pool) revokeOlderLocked(since, now int64) {
	for r := p.reserved.head; r != nil && r.since <= since; r = p.reserved.head {
		p.placeLocked(p.takeBackLocked(r), now)
	}
}

// armRevokeLocked sees to it that waiters get reserved connections when their grace
// is over.
func (p *Pool) armRevokeLocked() {
	if p.reserved.head == nil || p.waiters.Len() == 0 || p.closed || p.paused {
		return
	}
	p.revoke.Set(p.reserved.head.since+reserveGrace, p.now())
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
