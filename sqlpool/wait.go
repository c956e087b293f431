package sqlpool

import (
	"context"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/alarm"
	"github.com/sqlpool/go/sqlpool/internal/queue"
)

// waiter is one acquire in the queue.
type waiter = queue.Waiter[*Conn]

// The reasons why a wait ended without a connection.
const (
	endedByTimeout uint8 = iota + 1
	endedByTimeoutDialing
	endedByStall
	endedByOutage
	endedByClose
)

// errImpatient ends the wait of a session that keeps others waiting (see
// stallLimit). It is no failure and counted nowhere: the caller goes on
// elsewhere.
var errImpatient = errors.New("sqlpool: out of patience")

// stallLimit is how long an impatient acquire bears a queue that does not move.
// One that moves comes to its turn.
const stallLimit = 5 * time.Millisecond

// line is the acquires that wait, and the reservations that may be revoked for
// them. Pool.mu protects it.
type line struct {
	waiters  queue.Queue[*Conn]
	expiry   alarm.Alarm // ends the waits whose time is over
	reserved reservedList
	revoke   alarm.Alarm // a reservation is past its grace, and an acquire waits
}

// queueLocked returns a waiter for an acquire that began at start and has no
// deadline but AcquireTimeout.
func (p *Pool) queueLocked(start int64, impatient bool) *waiter {
	w := p.waiters.Get()
	w.Since, w.Until = start, later(start, p.cfg.AcquireTimeout)
	w.End = w.Until
	if impatient {
		w.Patience = int64(stallLimit)
	}
	return w
}

// wait blocks until w is granted a connection, its time is over or ctx ends.
func (p *Pool) wait(ctx context.Context, w *waiter, start int64) (*Conn, error) {
	if ctx.Done() == nil {
		<-w.Ready
		return p.outcome(w, start)
	}
	select {
	case <-w.Ready:
		return p.outcome(w, start)
	case <-ctx.Done():
	}

	late := ctx.Err() == context.DeadlineExceeded // before the lock, as in grant
	p.mu.Lock()
	if w.Queued() {
		p.waiters.Leave(w, late)
		p.waiters.Put(w)
	} else { // the answer and the end of the wait crossed
		<-w.Ready
		if w.Got == nil {
			p.mu.Unlock()
			return p.outcome(w, start)
		}
		// The connection is worth more to the next waiter than to a caller who
		// has gone.
		p.giveBackLocked(w.Got, outcome{}, nil)
	}
	phase := p.phaseLocked()
	p.mu.Unlock()
	return nil, p.contextFailure(ctx, phase, start)
}

// outcome reads what a grant, or the end of the wait, has left in w.
func (p *Pool) outcome(w *waiter, start int64) (*Conn, error) {
	if c := w.Got; c != nil {
		return c, nil // w is put back when the loan begins
	}
	why := w.Why
	p.mu.Lock()
	p.waiters.Put(w)
	p.mu.Unlock()
	switch why {
	case endedByStall:
		return nil, errImpatient
	case endedByTimeout:
		return nil, p.failure(ErrAcquireTimeout, nil, PhaseWaiting, start)
	case endedByTimeoutDialing:
		return nil, p.failure(ErrAcquireTimeout, nil, PhaseDialing, start)
	case endedByOutage:
		return nil, p.failure(ErrUnavailable, nil, PhaseDialing, start)
	default:
		return nil, p.failure(ErrClosed, nil, PhaseWaiting, start)
	}
}

// freeWaiterLocked has what the borrower of c waited with reused.
func (p *Pool) freeWaiterLocked(c *Conn) {
	if c.waiter != nil {
		p.waiters.Put(c.waiter)
		c.waiter = nil
	}
}

// expire ends the waits whose time is over.
func (p *Pool) expire() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expiry.Rang()
	why := endedByTimeout
	if p.phaseLocked() == PhaseDialing {
		why = endedByTimeoutDialing
	}
	if p.slots.Tended() > 0 { // what is cleaned, or asked whether it lives, comes back soon: no caller has it
		p.waiters.Moves(now)
	}
	if next := p.waiters.Expire(now, why, endedByStall); next != alarm.Never {
		p.expiry.Set(next, now)
	}
}
