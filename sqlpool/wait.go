package sqlpool

import "context"

// wait blocks until w is granted a connection, its time is over or ctx ends.
func (p *Pool) wait(ctx context.Context, w *waiter, start int64) (*Conn, error) {
	if ctx.Done() == nil {
		<-w.ready
		return p.outcome(w, start)
	}
	select {
	case <-w.ready:
		return p.outcome(w, start)
	case <-ctx.Done():
	}

	p.mu.Lock()
	if w.queued {
		p.waiters.remove(w, p.now())
	} else { // the answer and the end of the wait crossed
		<-w.ready
		if w.conn == nil {
			p.mu.Unlock()
			return p.outcome(w, start)
		}
		// The connection is worth more to the next waiter than to a caller who
		// has gone.
		p.passOnLocked(w.conn)
	}
	p.waiters.put(w)
	phase := p.phaseLocked()
	p.mu.Unlock()
	return nil, p.contextFailure(ctx, phase, start)
}

// outcome reads what a granter, or whoever ended the wait, left in w.
func (p *Pool) outcome(w *waiter, start int64) (*Conn, error) {
	if c := w.conn; c != nil {
		return c, nil // w is reused when the loan ends, see endLoanLocked
	}
	err, phase := w.why.err(), PhaseWaiting
	if w.dialing {
		phase = PhaseDialing
	}
	p.mu.Lock()
	p.waiters.put(w)
	p.mu.Unlock()
	switch err {
	case errImpatient:
		return nil, err
	case ErrUnavailable:
		phase = PhaseDialing
	}
	return nil, p.failure(err, nil, phase, start)
}
