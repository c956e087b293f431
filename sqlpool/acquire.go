package sqlpool

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// Acquire lends a physical connection until Loan.Release. It waits at most
// until ctx ends or AcquireTimeout has passed, whichever is sooner: first in,
// first out, as long as every caller is served in time, else newest first (see
// package internal/queue for the rules). The error is an *AcquireError.
func (p *Pool) Acquire(ctx context.Context) (Loan, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return Loan{}, err
	}
	if err := p.announce(c); err != nil {
		return Loan{}, err
	}
	c.handOut()
	return Loan{c, c.loan}, nil
}

// acquire returns a connection that is lent to the caller and fit for use. The
// loan has not been announced to the OnAcquire hooks yet.
func (p *Pool) acquire(ctx context.Context) (*Conn, error) {
	return p.acquireAs(ctx, acquiring{})
}

// acquiring is what else an acquire is told.
type acquiring struct {
	since     int64    // when its caller began to need a connection, if that was before; it has waited its turn already
	impatient bool     // it gives up with errImpatient when the queue stalls
	opener    bool     // the goroutine may be database/sql's own, which no hook must end
	reserve   *session // that the connection is reserved for, instead of lent
}

// acquireAs is the way of every acquire: it is granted a connection, at once or
// through the queue, checks it, and begins the loan. A connection that fails its
// check is retired, and the caller is the next to be granted one.
func (p *Pool) acquireAs(ctx context.Context, as acquiring) (*Conn, error) {
	start, again := as.since, as.since != 0
	if !again {
		start = p.now()
	}
	deadline := later(start, p.cfg.AcquireTimeout)
	if ctx.Err() != nil {
		return nil, p.contextFailure(ctx, PhaseWaiting, start)
	}
	for ; ; again = true {
		c, err := p.grant(ctx, start, as.impatient, again)
		if err != nil {
			return nil, err
		}
		fresh := c.fresh
		refused, reason := p.check(ctx, c, deadline, as.opener)
		if reason == nil {
			c.fresh = false
			return p.begin(c, as.reserve, start)
		}
		var own *CallerRefused
		if refused && callerRefused(reason, &own) {
			p.giveBack(c, outcome{})
			return nil, p.failure(nil, hideBadConn(own), PhaseValidating, start)
		}
		p.giveBack(c, outcome{reason: reason})
		switch {
		case ctx.Err() != nil:
			return nil, p.contextFailure(ctx, PhaseValidating, start)
		case p.now() >= deadline:
			return nil, p.failure(ErrAcquireTimeout, hideBadConn(reason), PhaseValidating, start)
		case refused && fresh: // another new one would fare no better
			return nil, p.failure(nil, hideBadConn(reason), PhaseValidating, start)
		}
	}
}

// grant takes an idle connection, or waits in the queue for one. "None idle"
// and "queued" are one step under the lock, so that no release in between is
// missed. An acquire whose first grant proved dead queues again at the front.
func (p *Pool) grant(ctx context.Context, start int64, impatient, again bool) (*Conn, error) {
	now := start
	if again {
		now = p.now()
	}
	// Before the lock: a context may be anyone's code.
	waits := mayWait(ctx)
	end, ends := ctx.Deadline()
	ends = ends && ctx.Done() != nil // wait ends it, if ctx does end
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, p.failure(ErrClosed, nil, PhaseWaiting, start)
	}
	c := p.popIdleLocked()
	if c == nil && p.waiters.Len() == 0 {
		c = p.revokeLocked(now)
	}
	if c != nil {
		p.grantLocked(c, nil, now)
		p.dialMoreLocked() // an idle connection less may be one below MinIdle
		p.mu.Unlock()
		return c, nil
	}
	if err := p.refuseLocked(now, again, waits); err != nil {
		p.mu.Unlock()
		return nil, p.failure(err, nil, PhaseWaiting, start)
	}
	w := p.queueLocked(start, impatient)
	if ends { // so that the queue knows for whom it is too late
		w.Until = min(w.Until, int64(end.Sub(p.epoch)))
	}
	p.waiters.Push(w, now, again)
	p.expiry.Set(p.waiters.Expires(w), now)
	p.dialMoreLocked()
	p.armRevokeLocked()
	p.mu.Unlock()
	return p.wait(ctx, w, start)
}

// refuseLocked says whether an acquire that finds nothing idle must fail at
// once. One that was in the queue before keeps its place there.
func (p *Pool) refuseLocked(now int64, again, waits bool) error {
	if p.cfg.MaxWaiters > 0 && p.waiters.Len() >= p.cfg.MaxWaiters && !again {
		return ErrSaturated
	}
	switch {
	case p.refusesLocked(now):
		return ErrUnavailable
	case !waits:
		p.dialForOthersLocked()
		return ErrNoneIdle
	}
	return nil
}

// grantLocked gives a connection that is in no stack to an acquire: to w, or, if
// that is nil, to the caller.
func (p *Pool) grantLocked(c *Conn, w *waiter, now int64) {
	p.moveLocked(c, slots.Granted)
	c.acquiredAt = now
	c.silence, c.answered, c.handed = heard, false, false
	c.waited, c.waiter = 0, w
	p.tickLocked(now)
	if w != nil {
		c.waited = max(now-w.Since, 0) // it may have come after the reading of the clock
		w.Grant(c)
	}
}

// begin makes the grant of a connection that has passed its check a loan, or has it
// reserved for a session.
func (p *Pool) begin(c *Conn, reserve *session, start int64) (*Conn, error) {
	p.mu.Lock()
	cut, closed := c.state == slots.Abandoned, p.closed // by Shutdown or Reclaim, meanwhile
	if c.waiter != nil && !cut {
		p.stats.WaitCount++
		p.stats.WaitTime += time.Duration(c.waited)
		p.stats.MaxWait = max(p.stats.MaxWait, time.Duration(c.waited))
	}
	p.freeWaiterLocked(c)
	switch {
	case cut:
		p.finishAbandonedLocked(c)
	case reserve != nil:
		p.reserveLocked(reserve, c)
	default:
		p.moveLocked(c, slots.Lent)
	}
	p.mu.Unlock()
	switch {
	case !cut:
		return c, nil
	case closed:
		return nil, p.failure(ErrClosed, nil, PhaseValidating, start)
	}
	return nil, p.failure(nil, &Reason{Code: CodeForced}, PhaseValidating, start)
}

// announce tells the OnAcquire hooks that the loan has begun.
func (p *Pool) announce(c *Conn) error {
	if len(p.hooks.onAcquire) == 0 {
		return nil
	}
	event := Acquired{Conn: c, Waited: time.Duration(c.waited)}
	if err := watch("OnAcquire", p.hooks.onAcquire, event, func(reason error) { p.retire(c, reason) }); err != nil {
		began := c.acquiredAt
		p.retire(c, err)
		return p.failure(nil, err, PhaseValidating, began)
	}
	return nil
}

// callerRefused reports whether a hook has refused the caller and not the connection.
func callerRefused(reason error, own **CallerRefused) bool {
	_, panicked := reason.(*HookPanic)
	return !panicked && errors.As(reason, own)
}

// later is t+d, or the end of time.
func later(t int64, d time.Duration) int64 {
	if sum := t + int64(d); sum >= t {
		return sum
	}
	return math.MaxInt64
}
