package conformance

// count is how many calls of an operation there have been.
func (p *Probe) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[op]
}

// dials are the dials under way now, and the most there have been at once.
func (p *Probe) dials() (now, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialing, p.mostDials
}

// openNow is how many connections are open, and the most that have been.
func (p *Probe) openNow() (now, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, p.mostOpen
}

// opened is how many connections have been opened so far.
func (p *Probe) opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns - p.requests
}

// preparedOf is how often a text was prepared: on all connections together, and
// on the one with the most.
func (p *Probe) preparedOf(text string) (total, mostOnOne int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, n := range p.prepares {
		if key.text == text {
			total += n
			mostOnOne = max(mostOnOne, n)
		}
	}
	return total, mostOnOne
}

// overlaps is how many calls met another one on their connection.
func (p *Probe) overlaps() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.met
}

// resetDials forgets the most dials that there have been at once.
func (p *Probe) resetDials() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mostDials = p.dialing
}

// closes is how many connections have been closed.
func (p *Probe) closes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns - p.requests - p.open
}
