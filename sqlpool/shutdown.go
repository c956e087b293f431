package sqlpool

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-multierror"
)

// A HolderError is a loan that was still out when Shutdown's deadline passed.
type HolderError struct{ Holder Holder }

func (e *HolderError) Error() string {
	return "sqlpool: closed by force: " + e.Holder.String()
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
	p.mu.Lock()
	var change *StateChanged
	if !p.closed {
		change = p.beginShutdownLocked()
	}
	p.mu.Unlock()
	p.tellState(change)

	drained := p.drain(ctx)
	var problems *multierror.Error
	if !drained {
		for _, h := range p.force() {
			problems = multierror.Append(problems, &HolderError{h})
		}
	}
	p.endLife()

	// What is left is bounded: closes by CloseTimeout, dials by their context.
	finished := make(chan struct{})
	go func() {
		p.work.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		if drained {
			problems = multierror.Append(problems, fmt.Errorf("sqlpool: pool %q closed, but some background work has not ended: %w", p.cfg.Name, ctx.Err()))
		}
	}
	return problems.ErrorOrNil()
}

func (p *Pool) beginShutdownLocked() *StateChanged {
	before := p.stateLocked()
	p.closed = true
	p.isClosed.Store(true)
	p.endDials()
	p.waiters.fail(ErrClosed, p.now())
	for s := p.parked.head; s != nil; s = p.parked.head {
		p.closeLocked(p.takeParkedLocked(s), &Reason{Code: CodeShutdown})
	}
	for c := p.popIdleLocked(); c != nil; c = p.popIdleLocked() {
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	}
	if p.parked.timer != nil {
		p.parked.timer.Stop()
	}
	if p.outage.timer != nil {
		p.outage.timer.Stop()
	}
	return p.changeLocked(before, nil)
}

// drain waits until no slot is taken and reports whether that came about
// before ctx ended.
func (p *Pool) drain(ctx context.Context) bool {
	for {
		p.mu.Lock()
		if p.totalLocked() == 0 {
			p.mu.Unlock()
			return true
		}
		changed := p.watchLocked()
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// force cuts off every loan that is out and returns them. The borrower's next
// call fails, and its release, whenever that comes, closes the connection.
func (p *Pool) force() []Holder {
	holders := p.Holders()
	p.mu.Lock()
	now := p.now()
	var cut []*Conn
	for _, c := range p.conns {
		if c.state == stateInUse {
			cut = append(cut, c)
		}
	}
	for _, c := range cut {
		p.endLoanLocked(c, now)
		p.forgetLocked(c)
		p.stats.CloseCount++
		c.state = stateForced
	}
	p.changedLocked()
	p.mu.Unlock()

	reason := &Reason{Code: CodeForced}
	for _, c := range cut {
		c.abort()
		if err := watch("OnClose", p.hooks.onClose, Closed{Conn: c, Reason: reason, Age: c.Age()}); err != nil {
			p.noteError(err)
		}
	}
	return holders
}

// finishForcedLocked closes a connection that was cut off, now that its
// borrower is done with it: a driver.Conn may not be closed while it is used.
func (p *Pool) finishForcedLocked(c *Conn) {
	if c.state != stateForced {
		return
	}
	c.state = stateGone
	go closeInner(c)
}
