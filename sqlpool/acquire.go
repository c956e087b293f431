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
	start     int64        // when its caller began to need a connection; zero: now
	again     bool         // it has waited its turn before
	impatient bool         // it gives up with errImpatient when the queue stalls
	opener    bool         // the goroutine may be database/sql's own, which no hook must end
	granted   *Conn        // it has this one already, which is to be checked
	reserve   *reservation // to be filled with the connection, instead of a loan
}

// acquireAs is the way of every acquire: it is granted a connection, at once or
// through the queue, checks it, and begins the loan. A connection that fails its
// check is retired, and the caller is the next to be granted one.
func (p *Pool) acquireAs(ctx context.Context, as acquiring) (*Conn, error) {
	if as.again = as.start != 0; !as.again {
		as.start = p.now()
	}
	start := as.start
	deadline := later(start, p.cfg.AcquireTimeout)
	if ctx.Err() != nil {
		if as.granted != nil {
			p.giveBack(as.granted, outcome{})
		}
		return nil, p.contextFailure(ctx, PhaseWaiting, start)
	}
	for ; ; as.again = true {
		c, err := as.granted, error(nil)
		if as.granted = nil; c == nil {
			c, err = p.grant(ctx, as)
		}
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
			p.giveBackUsed(c)
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
func (p *Pool) grant(ctx context.Context, as acquiring) (*Conn, error) {
	now := as.start
	if as.again {
		now = p.now()
	}
	// Before the lock, because a context may be code of others.
	waits, until := mayWait(ctx), int64(math.MaxInt64)
	if end, ok := ctx.Deadline(); ok && ctx.Done() != nil { // else nothing ends the wait then
		until = int64(end.Sub(p.epoch))
	}
	c, w, err := p.takeOrQueue(as, now, until, waits)
	switch {
	case err != nil:
		return nil, p.failure(err, nil, PhaseWaiting, as.start)
	case c != nil:
		return c, nil
	}
	return p.wait(ctx, w, as.start)
}

// takeOrQueue is grant under the lock: it returns a connection, the acquire's place in
// the queue, or why it must fail at once.
func (p *Pool) takeOrQueue(as acquiring, now, until int64, waits bool) (*Conn, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	c := p.popIdleLocked()
	if c == nil && p.waiters.Len() == 0 {
		c = p.revokeLocked(now)
	}
	if c != nil {
		p.grantLocked(c, nil, now)
		p.dialMoreLocked() // an idle connection less may be one below MinIdle
		return c, nil, nil
	}
	if err := p.refuseLocked(now, as.again, waits); err != nil {
		return nil, nil, err
	}
	w := p.queueLocked(as.start, as.impatient)
	w.Until = min(w.Until, until) // so that the queue can pass over an acquire for which it is too late
	p.waiters.Push(w, now, as.again)
	p.expiry.Set(p.waiters.Expires(w), now)
	p.dialMoreLocked()
	p.armRevokeLocked()
	return nil, w, nil
}

// refuseLocked says whether an acquire that finds nothing idle must fail at
// once. One that was in the queue before keeps its place there.
func (p *Pool) refuseLocked(now int64, again, waits bool) error {
	if p.cfg.MaxWaiters > 0 && p.waiters.Len() >= p.cfg.MaxWaiters && !again {
		return ErrSaturated
	}
	switch {
	case p.pacer.Open():
		p.wantLocked(now)
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

// giveBackUsed gives back a connection on which a hook may have begun something before it
// refused the caller.
func (p *Pool) giveBackUsed(c *Conn) {
	o := outcome{reason: c.unfit()}
	if o.reason == nil && c.dirty() {
		o.todo = cleaning
	}
	p.giveBack(c, o)
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
