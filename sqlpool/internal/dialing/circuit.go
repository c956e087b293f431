package dialing

// Open reports whether the circuit is open: acquires that find nothing idle are
// to fail at once.
func (p *Pacer) Open() bool { return p.open }

// Proved is told that a connection has just proved that the database is there: a
// loan ended well, or a ping was answered. In an outage it closes the circuit.
func (p *Pacer) Proved(now int64) {
	p.provedAt = now
	p.open = false
}

// Review opens the circuit when waiting for the database is over. ask says that
// it would, but for idle connections of which it is not known whether they
// work: they are to be asked. again is when it is worth a look, if nothing
// happens before.
func (p *Pacer) Review(now int64, n Need) (ask bool, again int64) {
	if p.failures == 0 || p.open {
		return false, Never
	}
	end := later(p.provedAt, p.Rules.Patience)
	switch {
	case n.Never && n.Dialing == 0 && p.kind != Deferred:
		p.open = true // it was never there: more likely a wrong address than an outage
	case n.Useless && n.Dialing == 0 && p.last && p.failures > 1:
		p.open = true // the same, behind something that takes logins
	case (p.kind == Refused || p.kind == Deferred) && n.InUse > 0:
		return false, Never // a server is there, and what is lent will come back
	case p.kind == Hopeless && n.Idle == 0 && n.InUse == 0:
		p.open = true
	case now < end:
		return false, end
	case n.Idle > 0:
		return true, Never
	default:
		p.open = true
	}
	return false, Never
}
