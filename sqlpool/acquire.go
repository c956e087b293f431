package sqlpool

import (
	"context"
	"errors"
	"math"
	"time"
)

// Acquire lends a physical connection until Loan.Release. It waits in first
// in, first out order, at most until ctx ends or AcquireTimeout has passed,
// whichever is sooner. The error is an *AcquireError.
func (p *Pool) Acquire(ctx context.Context) (Loan, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return Loan{}, err
	}
	if err := p.announce(c, c.waited); err != nil {
		return Loan{}, err
	}
	return Loan{c, c.number()}, nil
}

// acquire returns a connection that is lent to the caller and fit for use. The
// loan has not been announced to the OnAcquire hooks yet.
func (p *Pool) acquire(ctx context.Context) (*Conn, error) {
	return p.acquireWithin(ctx, p.cfg.AcquireTimeout)
}

// errImpatient ends an acquire that was in the queue for as long as its
// patience. It is no failure and counted nowhere: the caller goes on elsewhere.
var errImpatient = errors.New("sqlpool: out of patience")

// later is t+d, or the end of time.
func later(t int64, d time.Duration) int64 {
	if sum := t + int64(d); sum >= t {
		return sum
	}
	return math.MaxInt64
}

// acquireWithin is acquire with a limit to the time in the queue. What comes
// after the queue has until AcquireTimeout, as always: a ping that takes longer
// than somebody's patience proves nothing.
func (p *Pool) acquireWithin(ctx context.Context, patience time.Duration) (*Conn, error) {
	start := p.now()
	deadline := later(start, p.cfg.AcquireTimeout)
	until := min(later(start, patience), deadline)
	if ctx.Err() != nil {
		return nil, p.contextFailure(ctx, PhaseWaiting, start)
	}
	for again := false; ; again = true {
		c, err := p.grant(ctx, start, until, deadline, again)
		if err != nil {
			return nil, err
		}
		fresh := c.fresh
		refused, err := p.check(ctx, c, deadline)
		if err == nil {
			c.fresh = false
			return c, nil
		}
		p.reject(c, err)
		switch {
		case ctx.Err() != nil:
			return nil, p.contextFailure(ctx, PhaseValidating, start)
		case p.now() >= deadline:
			return nil, p.failure(ErrAcquireTimeout, hideBadConn(err), PhaseValidating, start)
		case fresh && refused: // another new one would fare no better
			return nil, p.failure(nil, hideBadConn(err), PhaseValidating, start)
		}
	}
}

// grant takes an idle connection, or waits in the queue for one. "None idle"
// and "queued" are one step under the lock, so that no release in between is
// missed. An acquire whose first grant proved dead queues again at the front.
func (p *Pool) grant(ctx context.Context, start, until, deadline int64, again bool) (*Conn, error) {
	now := start
	if again {
		now = p.now()
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, p.failure(ErrClosed, nil, PhaseWaiting, start)
	}
	c := p.popIdleLocked()
	if c == nil {
		p.stopAllKeepingLocked()
		c = p.popIdleLocked()
	}
	if c == nil && p.waiters.len == 0 {
		c = p.revokeLocked(now)
	}
	if c != nil {
		p.lendLocked(c, now)
		p.dialMoreLocked() // an idle connection less may be one below MinIdle
		p.mu.Unlock()
		return c, nil
	}
	if err := p.refuseLocked(now, again); err != nil {
		p.mu.Unlock()
		return nil, p.failure(err, nil, PhaseWaiting, start)
	}
	expired := ErrAcquireTimeout
	if until < deadline {
		deadline, expired = until, errImpatient
	}
	if p.waiters.len == 0 {
		p.waiters.emptyAt = now
	} else if shed := later(now, p.cfg.ShedTarget); shed < deadline && !again && p.shedsLocked(now) {
		deadline, expired = shed, ErrSaturated
	}
	w := p.waiters.get()
	w.since = start
	p.waiters.push(w, again)
	p.stopAllKeepingLocked() // what was kept before sessions could see that somebody waits
	p.dialMoreLocked()
	p.armRevokeLocked()
	p.mu.Unlock()
	return p.wait(ctx, w, start, time.Duration(deadline-now), expired)
}

// wait blocks until w is granted a connection or its time is over, which gives
// the error expired.
func (p *Pool) wait(ctx context.Context, w *waiter, start int64, left time.Duration, expired error) (*Conn, error) {
	if w.timer == nil {
		w.timer = time.NewTimer(left)
	} else {
		w.timer.Reset(left)
	}
	select {
	case <-w.ready:
		w.timer.Stop()
		return p.granted(w, start)
	case <-ctx.Done():
		w.timer.Stop()
		expired = nil
	case <-w.timer.C:
	}

	p.mu.Lock()
	if w.queued {
		p.waiters.remove(w, p.now())
	} else { // the answer and the end of the wait crossed
		<-w.ready
		if w.conn == nil {
			p.mu.Unlock()
			return p.granted(w, start)
		}
		// The connection is worth more to the next waiter than to a caller who
		// has gone, or has no time left to prove it alive.
		p.passOnLocked(w.conn)
	}
	p.waiters.put(w)
	phase := p.phaseLocked()
	p.mu.Unlock()
	switch expired {
	case nil:
		return nil, p.contextFailure(ctx, phase, start)
	case errImpatient:
		return nil, errImpatient
	}
	return nil, p.failure(expired, nil, phase, start)
}

// granted reads the outcome that a granter left in w.
func (p *Pool) granted(w *waiter, start int64) (*Conn, error) {
	if c := w.conn; c != nil {
		return c, nil // w is reused when the loan ends, see endLoanLocked
	}
	err := w.err
	p.mu.Lock()
	p.waiters.put(w)
	p.mu.Unlock()
	phase := PhaseWaiting
	if err == ErrUnavailable {
		phase = PhaseDialing
	}
	return nil, p.failure(err, nil, phase, start)
}

// refuseLocked says whether an acquire that finds nothing idle must fail at
// once. One that was in the queue before keeps its place there.
func (p *Pool) refuseLocked(now int64, again bool) error {
	if p.cfg.MaxWaiters > 0 && p.waiters.len >= p.cfg.MaxWaiters && !again {
		return ErrSaturated
	}
	if p.refusesLocked(now) {
		return ErrUnavailable
	}
	return nil
}

// shedsLocked reports whether the queue has stood for ShedInterval.
func (p *Pool) shedsLocked(now int64) bool {
	return p.cfg.ShedTarget > 0 && !p.paused && now-p.waiters.emptyAt > int64(p.cfg.ShedInterval)
}

// announce tells the OnAcquire hooks that the loan has begun.
func (p *Pool) announce(c *Conn, waited int64) error {
	if len(p.hooks.onAcquire) == 0 {
		return nil
	}
	event := Acquired{Conn: c, Waited: time.Duration(waited)}
	if err := watch("OnAcquire", p.hooks.onAcquire, event); err != nil {
		began := c.began
		p.retire(c, err)
		return p.failure(nil, err, PhaseValidating, began)
	}
	return nil
}
