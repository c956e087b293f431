package sqlpool

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/hashicorp/go-multierror"
)

// A HolderError is a loan that was still out when Shutdown's deadline passed,
// with its Holder at that moment.
type HolderError struct{ Holder Holder }

// Error names the connection, how long it was held and what is known of its
// holder.
func (e *HolderError) Error() string {
	return "sqlpool: closed by force: " + e.Holder.String()
}

// lifetime is what ends with a pool.
type lifetime struct {
	// dials ends when Shutdown begins, life when it is over. Dials run under the
	// one, other background work under the other.
	dials, life       context.Context
	endDials, endLife context.CancelFunc

	work   sync.WaitGroup // every goroutine of the pool
	ending sync.Once      // the OnShutdown hooks are called
}

// Close is Shutdown with Config.ShutdownTimeout. It implements io.Closer, by
// which sql.DB.Close closes the pool behind it.
func (p *Pool) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.ShutdownTimeout)
	defer cancel()
	return p.Shutdown(ctx)
}

// Shutdown closes the pool. Acquires fail with ErrClosed from now on, those in
// the queue too; idle connections are closed; loans may finish until ctx ends.
// What is still out then is cut off, as far as its driver can (see the Abort
// ability), and reported: the error is a *multierror.Error of *HolderError.
// When Shutdown returns nil, no connection and no goroutine of the pool is
// left. A second call waits for the first one's end.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.ending.Do(func() { p.tellShutdown(ctx) })
	p.beginShutdown()
	p.tellStates()

	var problems *multierror.Error
	if p.until(ctx, func() bool { return p.slots.Taken() == 0 }) != nil {
		for _, h := range p.force() {
			problems = multierror.Append(problems, &HolderError{h})
		}
	}
	p.endLife()

	// What is left ends soon: its contexts have ended, and what can be cut off
	// has been.
	finished := make(chan struct{})
	go func() {
		p.work.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		if problems == nil {
			problems = multierror.Append(problems, fmt.Errorf("sqlpool: pool %q closed, but some background work has not ended: %w", p.cfg.Name, ctx.Err()))
		}
	}
	return problems.ErrorOrNil()
}

// tellShutdown calls the OnShutdown hooks. One that panics does not keep the pool open.
func (p *Pool) tellShutdown(ctx context.Context) {
	for _, h := range p.hooks.onShutdown {
		err := aside("OnShutdown", 1, func() (err error) {
			defer catch("OnShutdown", &err)
			h(ctx, p)
			return nil
		})
		if err != nil {
			p.noteError(err)
		}
	}
}

func (p *Pool) beginShutdown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.endDials()
	p.waiters.Fail(endedByClose)
	now := p.now()
	p.revokeOlderLocked(math.MaxInt64, now)
	for c, ok := p.idle.Pop(); ok; c, ok = p.idle.Pop() {
		p.placeLocked(c, now)
	}
	p.expiry.Stop()
	p.revoke.Stop()
	p.redial.Stop()
	p.noteStateLocked(nil)
	p.changedLocked() // Warm has nothing else to wait for between two dials
}
