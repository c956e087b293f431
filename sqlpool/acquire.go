package sqlpool

import (
	"context"
	"errors"
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
	if err := p.announce(c); err != nil {
		return Loan{}, err
	}
	return Loan{c, c.loan}, nil
}

// acquire returns a connection that is lent to the caller and fit for use. The
// loan has not been announced to the OnAcquire hooks yet.
func (p *Pool) acquire(ctx context.Context) (*Conn, error) {
	start := p.now()
	return p.acquireWithin(ctx, start, start+int64(p.cfg.AcquireTimeout))
}

func (p *Pool) acquireWithin(ctx context.Context, start, deadline int64) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, p.contextFailure(ctx, PhaseWaiting, start)
	}
	for again := false; ; again = true {
		c, err := p.grant(ctx, start, deadline, again)
		if err != nil {
			return nil, err
		}
		if !p.needsCheck(c) {
			c.fresh = false
			return c, nil
		}
		wasFresh := c.fresh
		err = p.check(ctx, c, deadline)
		if err == nil {
			c.fresh = false
			return c, nil
		}
		p.retire(c, err)
		if ctx.Err() != nil {
			return nil, p.contextFailure(ctx, PhaseValidating, start)
		}
		if p.now() >= deadline {
			return nil, p.failure(ErrAcquireTimeout, err, PhaseValidating, start)
		}
		if wasFresh {
			return nil, p.failure(nil, hideBadConn(err), PhaseValidating, start)
		}
	}
}

// grant takes an idle connection, or waits in the queue for one. "None idle"
// and "queued" are one step under the lock, so that no release in between is
// missed. An acquire whose first grant proved dead queues again at the front.
func (p *Pool) grant(ctx context.Context, start, deadline int64, again bool) (*Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, p.failure(ErrClosed, nil, PhaseWaiting, start)
	}
	c := p.popIdleLocked()
	if c == nil {
		c = p.revokeLocked(start)
	}
	if c != nil {
		p.lendLocked(c, start)
		p.dialMoreLocked() // an idle connection less may be one below MinIdle
		p.mu.Unlock()
		return c, nil
	}
	now := start
	if again {
		now = p.now()
	}
	if err := p.refuseLocked(now); err != nil {
		p.mu.Unlock()
		return nil, p.failure(err, nil, PhaseWaiting, start)
	}
	if p.waiters.len == 0 {
		p.waiters.emptyAt = now
	} else if p.shedsLocked(now) {
		deadline = min(deadline, now+int64(p.cfg.ShedTarget))
	}
	w := p.waiters.get()
	w.since = now
	p.waiters.push(w, again)
	p.dialMoreLocked()
	p.armRevokeLocked()
	p.mu.Unlock()
	return p.wait(ctx, w, start, deadline)
}

// wait blocks until w is granted a connection or its time is over.
func (p *Pool) wait(ctx context.Context, w *waiter, start, deadline int64) (*Conn, error) {
	left := time.Duration(deadline - w.since)
	if w.timer == nil {
		w.timer = time.NewTimer(left)
	} else {
		w.timer.Reset(left)
	}
	var cancelled bool
	select {
	case <-w.ready:
		w.timer.Stop()
		return p.granted(w, start)
	case <-ctx.Done():
		cancelled = true
		w.timer.Stop()
	case <-w.timer.C:
	}

	p.mu.Lock()
	if !w.queued { // the grant and the end of the wait crossed
		<-w.ready
		if w.conn == nil || !cancelled {
			p.mu.Unlock()
			return p.granted(w, start)
		}
		// The connection is worth more to the next waiter than to a caller who
		// has gone.
		p.passOnLocked(w.conn)
	} else {
		p.waiters.remove(w, p.now())
	}
	since := w.since
	p.waiters.put(w)
	phase := p.phaseLocked()
	p.mu.Unlock()

	switch {
	case cancelled:
		return nil, p.contextFailure(ctx, phase, start)
	case deadline-since < int64(p.cfg.AcquireTimeout) && deadline < start+int64(p.cfg.AcquireTimeout) && p.cfg.ShedTarget > 0:
		return nil, p.failure(ErrSaturated, nil, phase, start)
	default:
		return nil, p.failure(ErrAcquireTimeout, nil, phase, start)
	}
}

// granted reads the outcome that a granter left in w.
func (p *Pool) granted(w *waiter, start int64) (*Conn, error) {
	if c := w.conn; c != nil {
		return c, nil // w is reused when the loan ends, see giveBackLocked
	}
	err := w.err
	p.mu.Lock()
	p.waiters.put(w)
	p.mu.Unlock()
	return nil, p.failure(err, nil, PhaseDialing, start)
}

// refuseLocked says whether an acquire that finds nothing idle must fail at
// once.
func (p *Pool) refuseLocked(now int64) error {
	if p.cfg.MaxWaiters > 0 && p.waiters.len >= p.cfg.MaxWaiters {
		return ErrSaturated
	}
	if p.refusesLocked(now) {
		return ErrUnavailable
	}
	return nil
}

// shedsLocked reports whether the queue has stood for ShedInterval.
func (p *Pool) shedsLocked(now int64) bool {
	return p.cfg.ShedTarget > 0 && now-p.waiters.emptyAt > int64(p.cfg.ShedInterval)
}

// phaseLocked says what an acquire in the queue waits for: with every slot
// taken by a connection, a release; else a dial.
func (p *Pool) phaseLocked() Phase {
	if len(p.conns)-p.closing < p.cfg.MaxConns && p.dialing > 0 || p.outage.failures > 0 {
		return PhaseDialing
	}
	return PhaseWaiting
}

// announce tells the OnAcquire hooks that the loan has begun.
func (p *Pool) announce(c *Conn) error {
	if len(p.hooks.onAcquire) == 0 {
		return nil
	}
	event := Acquired{Conn: c}
	if c.waiter != nil {
		event.Waited = time.Duration(c.acquiredAt - c.waiter.since)
	}
	if err := watch("OnAcquire", p.hooks.onAcquire, event); err != nil {
		p.retire(c, err)
		return p.failure(nil, err, PhaseValidating, c.acquiredAt)
	}
	return nil
}

// failure counts and builds the error of a failed acquire.
func (p *Pool) failure(kind, cause error, phase Phase, start int64) error {
	p.mu.Lock()
	switch kind {
	case ErrAcquireTimeout:
		p.stats.TimeoutCount++
	case ErrSaturated:
		p.stats.SaturatedCount++
	case ErrUnavailable:
		p.stats.UnavailableCount++
	}
	e := &AcquireError{
		Pool: p.cfg.Name, Kind: kind, Cause: cause, Phase: phase,
		Waited: time.Duration(p.now() - start), Stats: p.statsLocked(),
	}
	if p.outage.failures > 0 {
		e.Dial = p.outage.err
	}
	p.mu.Unlock()
	if kind == ErrAcquireTimeout || kind == ErrSaturated {
		e.Holders = p.holders(3)
	}
	return e
}

// contextFailure is failure for an acquire that its context ended. A deadline
// is a timeout like AcquireTimeout; a cancellation is the caller's own doing.
func (p *Pool) contextFailure(ctx context.Context, phase Phase, start int64) error {
	cause := ctx.Err()
	if own := context.Cause(ctx); own != nil && !errors.Is(own, cause) {
		cause = errors.Join(cause, own)
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return p.failure(ErrAcquireTimeout, cause, phase, start)
	}
	p.mu.Lock()
	p.stats.CanceledCount++
	p.mu.Unlock()
	return p.failure(nil, cause, phase, start)
}
