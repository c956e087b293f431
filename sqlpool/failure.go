package sqlpool

import (
	"context"
	"errors"
	"time"
)

// failure counts and builds the error of a failed acquire.
func (p *Pool) failure(kind, cause error, phase Phase, start int64) error {
	p.mu.Lock()
	switch kind {
	case ErrAcquireTimeout:
		p.stats.TimeoutCount++
	case ErrSaturated, ErrNoneIdle:
		p.stats.SaturatedCount++
	case ErrUnavailable:
		p.stats.UnavailableCount++
	}
	e := &AcquireError{
		Pool: p.cfg.Name, Kind: kind, Cause: cause, Phase: phase,
		Waited: time.Duration(p.now() - start), Stats: p.statsLocked(),
	}
	if p.pacer.Failing() || kind == ErrUnavailable {
		e.Dial = p.dialErr
		if p.pacer.Failing() {
			_, last := p.pacer.Since()
			e.DialAgo = time.Duration(p.now() - last)
		}
	}
	p.mu.Unlock()
	if kind == ErrAcquireTimeout || kind == ErrSaturated || kind == ErrNoneIdle {
		e.Holders = p.holders(3)
	}
	return e
}

// contextFailure is failure for an acquire that its context ended. A deadline
// is a timeout like AcquireTimeout; a cancellation is the caller's own doing.
func (p *Pool) contextFailure(ctx context.Context, phase Phase, start int64) error {
	cause := ctx.Err()
	if own := context.Cause(ctx); own != nil && !errors.Is(own, cause) {
		cause = errors.Join(cause, hideBadConn(own))
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return p.failure(ErrAcquireTimeout, cause, phase, start)
	}
	p.mu.Lock()
	p.stats.CanceledCount++
	p.mu.Unlock()
	return p.failure(nil, cause, phase, start)
}

// phaseLocked says what an acquire in the queue waits for: a dial, if one is
// under way or due, else a release.
func (p *Pool) phaseLocked() Phase {
	if p.slots.Dialing() > 0 || p.pacer.Failing() && len(p.conns) < p.stats.MaxConns {
		return PhaseDialing
	}
	return PhaseWaiting
}
