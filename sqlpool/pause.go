package sqlpool

// Pause makes acquires wait, in the queue and under their own timeouts, until
// Resume: for a switch of servers or a migration that wants a moment of
// silence. Loans that are out go on and end as usual, and what comes back stays
// idle; a transaction keeps its connection. Stats.Paused tells it. MaxWaiters
// holds. An acquire that the open circuit refuses
// is refused as ever.
//
// Pausing a paused or closed pool does nothing.
func (p *Pool) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = !p.closed
}

// Resume ends a Pause: those who wait are served in their order.
func (p *Pool) Resume() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.paused {
		return
	}
	p.paused = false
	if p.closed {
		return
	}
	for p.waiters.Len() > 0 {
		c := p.popIdleLocked()
		if c == nil {
			c = p.revokeLocked(now)
		}
		if c == nil {
			break
		}
		p.placeLocked(c, now)
	}
	p.dialMoreLocked()
	p.armRevokeLocked()
}
