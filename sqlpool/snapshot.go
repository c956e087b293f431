package sqlpool

import (
	"cmp"
	"slices"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// A Snapshot is a pool with its connections, all at one instant.
type Snapshot struct {
	Stats

	OldestWait time.Duration // how long the first in the queue has been there; zero when none waits

	// While dials fail: how many have since the last success, for how long, and
	// when the next is due (zero when it is under way).
	DialFailures int
	FailingFor   time.Duration
	NextDial     time.Duration

	Conns []ConnInfo // those that are open or closing, by ID; dials have none yet
}

// ConnInfo is one connection at the instant of a Snapshot.
type ConnInfo struct {
	ID            uint64
	State         ConnState
	For           time.Duration // idle, or lent, for so long
	Age           time.Duration // since its dial
	Took          time.Duration // the dial
	Loans         uint64        // the present one included
	Uses          uint64        // statements executed
	LastStatement string        // text only; empty under Config.HideStatements
	InTransaction bool
	Backend       Backend
	Activity      Activity // of one that is in use
	Broken        error    // what broke one that is in use, if the driver has seen it; one that the server has ended since its last use is nil
}

// ConnState is what a connection is doing.
type ConnState string

// The states of a connection. The first two count as Stats.Idle, the next two
// as InUse.
const (
	ConnIdle     ConnState = "idle"
	ConnChecking ConnState = "checking" // idle, while hooks or a clean-up have it
	ConnGranted  ConnState = "granted"  // lent to a session of database/sql that has not used it yet
	ConnInUse    ConnState = "in_use"
	ConnClosing  ConnState = "closing"
)

// Snapshot returns the pool's figures and its connections. Its cost grows with
// MaxConns: it is for people, once a second; Stats is for everything else.
func (p *Pool) Snapshot() Snapshot {
	s, conns := p.freeze(p.now())
	for i, c := range conns { // under a lock that borrowers take
		s.Conns[i].Uses, s.Conns[i].LastStatement, s.Conns[i].InTransaction = c.Uses(), c.LastStatement(s.Conns[i].Loans), c.InTransaction()
		if s.Conns[i].State == ConnInUse {
			s.Conns[i].Activity, s.Conns[i].Broken = c.Activity(), c.seenBroken()
		}
	}
	slices.SortFunc(s.Conns, func(a, b ConnInfo) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// freeze is what Pool.mu protects of a Snapshot, with the connections in the order of
// its Conns.
func (p *Pool) freeze(now int64) (s Snapshot, conns []*Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s = Snapshot{Stats: p.statsLocked(), Conns: make([]ConnInfo, len(p.conns))}
	if since, ok := p.waiters.Oldest(); ok {
		s.OldestWait = positive(now - since)
	}
	if p.pacer.Failing() {
		since, _ := p.pacer.Since()
		s.DialFailures, s.FailingFor = p.pacer.Failures(), positive(now-since)
		if p.slots.Dialing() == 0 {
			s.NextDial = positive(p.pacer.Due(p.needLocked()) - now)
		}
	}
	for i, c := range p.conns {
		s.Conns[i] = c.infoLocked(now)
	}
	return s, slices.Clone(p.conns)
}

// infoLocked is what Pool.mu protects of a ConnInfo.
func (c *Conn) infoLocked(now int64) ConnInfo {
	info := ConnInfo{ID: c.id, Age: positive(now - c.openedAt), Took: c.took, Loans: c.loan, Backend: c.backend}
	switch {
	case c.state == slots.Idle:
		info.State, info.For = ConnIdle, positive(now-c.idleSince)
	case c.state == slots.Reserved:
		info.State, info.For = ConnGranted, positive(now-c.acquiredAt)
	case c.state.Borrowed():
		info.State, info.For = ConnInUse, positive(now-c.acquiredAt)
	case c.state.Leaving():
		info.State = ConnClosing
	default:
		info.State = ConnChecking
	}
	return info
}

// positive is for differences to a reading of the clock that was made before
// the lock was taken.
func positive(d int64) time.Duration { return time.Duration(max(d, 0)) }
