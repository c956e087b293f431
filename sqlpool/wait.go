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
	reserved reservations
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
		return p.answer(w, start)
	}
	select {
	case <-w.Ready:
		return p.answer(w, start)
	case <-ctx.Done():
	}

	phase, left := p.leaveQueue(w, ctx.Err() == context.DeadlineExceeded)
	if !left {
		return p.answer(w, start)
	}
	return nil, p.contextFailure(ctx, phase, start)
}

// leaveQueue ends the wait of an acquire whose context has ended, and says what it
// waited for. It reports false when the wait had ended without a connection before.
func (p *Pool) leaveQueue(w *waiter, late bool) (phase Phase, left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.Queued() {
		p.waiters.Leave(w, late)
		p.waiters.Put(w)
		return p.phaseLocked(), true
	}
	<-w.Ready // the answer and the end of the wait crossed
	if w.Got == nil {
		return "", false
	}
	// The connection is worth more to the next waiter than to a caller who has gone.
	p.giveBackLocked(w.Got, outcome{}, nil)
	return p.phaseLocked(), true
}

// answer reads what a grant, or the end of the wait, has left in w.
func (p *Pool) answer(w *waiter, start int64) (*Conn, error) {
	if c := w.Got; c != nil {
		return c, nil // w is put back when the loan begins
	}
	switch p.putWaiter(w) {
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

// putWaiter has w reused, and returns why its wait ended.
func (p *Pool) putWaiter(w *waiter) (why uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	why = w.Why
	p.waiters.Put(w)
	return why
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
