package dialing

import "time"

// While an acquire waits or has just been refused, the next dial of an outage is
// near, whatever the backoff says. For a pool without any connection it is so near
// that callers are served a twentieth of the outage later at most, and never more
// than soon: a pool that dials for each call would see the end of it with the next
// call. Where connections are left to serve callers, or the server will say the same
// again, a quarter of the time that the outage has lasted lies between two dials,
// from soon to latest.
const (
	soon   = int64(200 * time.Millisecond)
	latest = int64(time.Second)
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
	// Unanswered: nothing is known of the server, or it starts or stops: what it has
	// lent may be gone.
	Unanswered Kind = iota
	// Refused: a server answered, and has no room now.
	Refused
	// Hopeless: a server answered, and will say the same to the next dial: a
	// wrong password, say.
	Hopeless
	// Deferred: a server let the connection in, and a hook has no place for it yet.
	Deferred
)

// Ticket is to be kept by each dial from its start until Failed or Succeeded.
// Dials that are under way together fail together; to the backoff they are one. Of
// those that overtake one another it is the last.
func (p *Pacer) Ticket() uint64 { return p.ticket }

// Failing reports whether there is an outage.
func (p *Pacer) Failing() bool { return p.failures > 0 }

// Hollow reports whether a dial of this outage succeeded and what it gave was of
// no use: a login proves nothing then. A pooler accepts clients while its
// server is down.
func (p *Pacer) Hollow() bool { return p.hollow }

// Since returns when the outage began and when a dial last failed.
func (p *Pacer) Since() (first, last int64) { return p.since, p.lastAt }

// Failures is how many dials of this outage have failed.
func (p *Pacer) Failures() int { return p.total }

// Due is when the next dial of the outage is due, as far as is known now.
func (p *Pacer) Due(n Need) int64 {
	if n.Waiting == 0 && !p.wanted {
		return p.dueAt
	}
	lasted, first := p.lastAt-p.since, int64(p.Rules.First)
	within := max(first/4, min(lasted/20, soon))
	if n.InUse > 0 || n.Idle > 0 || p.kind == Hopeless {
		within = max(first, soon, lasted/4)
	}
	return min(p.dueAt, p.lastAt+min(within, latest))
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

// Want has the next dial of an outage due soon, as if an acquire waited.
func (p *Pacer) Want() (news bool) {
	news = !p.wanted
	p.wanted = true
	return news
}
