package dialing

// Need is a pool as far as it matters to its dials.
type Need struct {
	Wanted  int  // connections that its waiters and its minimum of idle ones lack
	Room    int  // how many more dials its limits allow
	Dialing int  // dials under way
	Idle    int  // connections not lent, those that are being looked at included
	Looking int  // how many of them are looked at just now and may be lent in a moment
	InUse   int  // connections on loan
	Waiting int  // acquires that wait
	Never   bool // no dial has succeeded yet
	Useless bool // no connection has proved anything yet
}

// May says how many dials are to start now, and when to ask again if nothing
// happens before. The caller starts them.
func (p *Pacer) May(now int64, n Need) (start int, again int64) {
	if n.Room <= 0 {
		return 0, Never
	}
	if p.failures > 0 { // one at a time, whether or not a caller waits
		if n.Dialing > 0 {
			return p.overtake(now, n)
		}
		if due := p.Due(n); now < due {
			return 0, due
		}
		p.spacing.started(now)
		return 1, p.overtakes(n)
	}
	for start < n.Room && n.Dialing+start < n.Wanted {
		if at := p.spacing.next(now, n, n.Dialing+start); now < at {
			return start, at
		}
		p.spacing.started(now)
		start++
	}
	return start, Never
}

// overtakes is when the dial that has started last may be overtaken.
func (p *Pacer) overtakes(n Need) int64 {
	if n.Waiting == 0 && !p.wanted || p.Rules.Overtake == 0 {
		return Never
	}
	return later(p.spacing.last, p.Rules.Overtake)
}

// overtake is May while dials of an outage are under way. What was begun while the
// network swallowed everything is lost when it does no more: a dial that waits for
// an answer then waits for its whole timeout. The one that overtakes it is the one
// whose failure counts.
func (p *Pacer) overtake(now int64, n Need) (start int, again int64) {
	if at := p.overtakes(n); now < at {
		return 0, at
	}
	p.ticket++
	p.spacing.started(now)
	return 1, p.overtakes(n)
}

// Overtaken reports whether a dial that began then and is under way still is lost, now
// that one which began later has succeeded.
func (p *Pacer) Overtaken(began, now int64) bool {
	return p.failures > 0 && p.Rules.Overtake > 0 && now-began >= int64(p.Rules.Overtake)
}

// Looked is told that nothing is looked at any more: a dial that was held back
// for it is not held back the longer for the next one.
func (p *Pacer) Looked() { p.spacing.held = 0 }
