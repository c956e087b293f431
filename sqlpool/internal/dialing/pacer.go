package dialing

import "time"

// While an acquire waits or has just been refused, the next dial of an outage is
// never further away than a quarter of the time that the outage has lasted,
// within these limits: so the end of a short one is seen soon, and a long one is
// not met with more dials.
const (
	soonest = int64(200 * time.Millisecond) // or Rules.First, if that is more
	latest  = int64(time.Second)
)

// A Pacer paces the dials of one pool. Its zero value with Rules is ready.
type Pacer struct {
	Rules Rules

	// An outage begins with a failed dial and ends with one that succeeds.
	failures int    // in a row, those under way together as one; zero when there is no outage
	total    int    // of this outage, each for itself
	since    int64  // the first of them
	lastAt   int64  // the last of them
	ticket   uint64 // counts failures of all outages, see Ticket
	kind     Kind   // of the last failure
	hollow   bool   // a dial of it succeeded, and what it gave was of no use
	last     bool   // that was the last one
	dueAt    int64  // when the backoff has the next dial due
	wanted   bool   // an acquire was refused since the last failure
	provedAt int64  // the last proof in this outage that the database is there
	open     bool   // the circuit

	spacing spacing
}

// Kind is what a failure says about the server.
type Kind int8

const (
	// Unanswered: nothing is known of the server.
	Unanswered Kind = iota
	// Refused: a server answered, and has no room now or is not ready yet.
	Refused
	// Hopeless: a server answered, and will say the same to the next dial: a
	// wrong password, say.
	Hopeless
)

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

// Ticket is to be kept by each dial from its start until Failed or Succeeded.
// Dials that are under way together fail together; to the backoff they are one. Of
// those that overtake one another it is the last.
func (p *Pacer) Ticket() uint64 { return p.ticket }

// Failing reports whether there is an outage.
func (p *Pacer) Failing() bool { return p.failures > 0 }

// Open reports whether the circuit is open: acquires that find nothing idle are
// to fail at once.
func (p *Pacer) Open() bool { return p.open }

// Hollow reports whether a dial of this outage succeeded and what it gave was of
// no use: a login proves nothing then. A pooler accepts clients while its
// server is down.
func (p *Pacer) Hollow() bool { return p.hollow }

// Since returns when the outage began and when a dial last failed.
func (p *Pacer) Since() (first, last int64) { return p.since, p.lastAt }

// Failures is how many dials of this outage have failed.
func (p *Pacer) Failures() int { return p.total }

// Due is when the next dial of the outage is due, as far as is known now.
func (p *Pacer) Due(waiting bool) int64 {
	if !waiting && !p.wanted {
		return p.dueAt
	}
	first := max(soonest, int64(p.Rules.First))
	return min(p.dueAt, p.lastAt+min(max(first, (p.lastAt-p.since)/4), latest))
}

// Failed is told of a dial that failed, or of a connection that died before it
// was of any use (hollow). It begins or continues an outage.
func (p *Pacer) Failed(now int64, ticket uint64, kind Kind, hollow bool) {
	if p.failures == 0 {
		p.since, p.provedAt, p.total = now, now, 0
	}
	p.total++
	if p.failures == 0 || ticket == p.ticket {
		p.failures++
		p.ticket++
		p.dueAt = later(now, p.delay(hollow))
		p.wanted = false
	}
	p.kind = kind
	p.hollow, p.last = p.hollow || hollow, hollow
	p.lastAt = now
}

// delay is how long the next dial waits. After a single connection that died, one
// more login tells at once whether it was the connection or the server.
func (p *Pacer) delay(hollow bool) time.Duration {
	if hollow && p.failures == 1 {
		return 0
	}
	return time.Duration(p.Rules.Draw(p.Rules.limit(p.failures)))
}

// Succeeded is told of a dial that succeeded and how long it took. It ends an
// outage.
func (p *Pacer) Succeeded(took time.Duration) {
	p.spacing.took = min(took, spacingOf*maxSpacing)
	p.failures, p.total, p.kind, p.hollow, p.wanted, p.open = 0, 0, Unanswered, false, false, false
}

// Proved is told that a connection has just proved that the database is there: a
// loan ended well, or a ping was answered. In an outage it closes the circuit.
func (p *Pacer) Proved(now int64) {
	p.provedAt = now
	p.open = false
}

// Want has the next dial of an outage due soon, as if an acquire waited.
func (p *Pacer) Want() (news bool) {
	news = !p.wanted
	p.wanted = true
	return news
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
	case n.Never && n.Dialing == 0:
		p.open = true // it was never there: more likely a wrong address than an outage
	case n.Useless && n.Dialing == 0 && p.last && p.failures > 1:
		p.open = true // the same, behind something that takes logins
	case p.kind != Unanswered && n.InUse > 0:
		return false, Never // a server is there, and what is lent will come back
	case p.kind == Hopeless && n.Idle == 0:
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

// Looked is told that nothing is looked at any more: a dial that was held back
// for it is not held back the longer for the next one.
func (p *Pacer) Looked() { p.spacing.held = 0 }

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
		if due := p.Due(n.Waiting > 0); now < due {
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
