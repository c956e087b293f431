package sqlpool

import (
	"context"
	"errors"
	"time"
)

// errGaveUp is failure's kind for an acquire whose caller gave up.
var errGaveUp = errors.New("sqlpool: the caller gave up")

// failure counts and builds the error of a failed acquire.
func (p *Pool) failure(kind, cause error, phase Phase, start int64) error {
	e := &AcquireError{Pool: p.cfg.Name, Kind: kind, Cause: cause, Phase: phase}
	p.countFailure(e, start)
	switch kind {
	case errGaveUp:
		e.Kind = nil
	case ErrAcquireTimeout, ErrSaturated, ErrNoneIdle:
		e.Holders = p.holders(3)
	}
	return e
}

// countFailure counts the failure, and adds to its error how the pool stands.
func (p *Pool) countFailure(e *AcquireError, start int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case ErrAcquireTimeout:
		p.stats.TimeoutCount++
	case ErrSaturated, ErrNoneIdle:
		p.stats.SaturatedCount++
	case ErrUnavailable:
		p.stats.UnavailableCount++
	case errGaveUp:
		p.stats.CanceledCount++
	}
	now := p.now()
	e.Waited, e.Stats = time.Duration(now-start), p.statsLocked()
	failing := p.pacer.Failing()
	if failing || e.Kind == ErrUnavailable {
		e.Dial = p.dialErr
	}
	if failing {
		_, last := p.pacer.Since()
		e.DialAgo = time.Duration(now - last)
	}
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
	return p.failure(errGaveUp, cause, phase, start)
}

// phaseLocked says what an acquire in the queue waits for: a dial, if one is
// under way or due, else a release.
func (p *Pool) phaseLocked() Phase {
	if p.slots.Dialing() > 0 || p.pacer.Failing() && len(p.conns) < p.stats.MaxConns {
		return PhaseDialing
	}
	return PhaseWaiting
}

// noteError keeps an error for Stats.LastError.
func (p *Pool) noteError(err error) {
	text := err.Error() // may be code of others: not under the lock
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteErrorLocked(text)
}

func (p *Pool) noteErrorLocked(text string) {
	p.stats.LastError = text
	p.stats.LastErrorAt = time.Now()
}
