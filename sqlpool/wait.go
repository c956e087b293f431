package sqlpool

import "context"

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

	p.mu.Lock()
	if w.Queued() {
		p.waiters.Leave(w, ctx.Err() == context.DeadlineExceeded)
	} else { // the answer and the end of the wait crossed
		<-w.Ready
		if w.Got == nil {
			p.mu.Unlock()
			return p.outcome(w, start)
		}
		// The connection is worth more to the next waiter than to a caller who
		// has gone.
		p.passOnLocked(w.Got)
	}
	p.waiters.Put(w)
	phase := p.phaseLocked()
	p.mu.Unlock()
	return nil, p.contextFailure(ctx, phase, start)
}

// outcome reads what a granter, or whoever ended the wait, left in w.
func (p *Pool) outcome(w *waiter, start int64) (*Conn, error) {
	if c := w.Got; c != nil {
		return c, nil // w is reused when the loan ends, see endLoanLocked
	}
	err, phase := endError(w.Why), PhaseWaiting
	if w.Why == endedByTimeoutDialing {
		phase = PhaseDialing
	}
	p.mu.Lock()
	p.waiters.Put(w)
	p.mu.Unlock()
	switch err {
	case errImpatient:
		return nil, err
	case ErrUnavailable:
		phase = PhaseDialing
	}
	return nil, p.failure(err, nil, phase, start)
}
