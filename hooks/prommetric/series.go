package prommetric

import (
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// mostReasons bounds the values of the label reason: a hook can make up codes.
const (
	mostReasons = 32
	otherReason = "other"
)

// series are the pools of one name: usually one, two while one is replaced by
// another. Metrics.mu protects it.
type series struct {
	pools  []member
	past   sqlpool.Stats // the counters of pools that are gone
	closes map[string]uint64
}

// member is a pool with what else tells of it.
type member struct {
	*sqlpool.Pool
	Sources
}

// sum is what the pools of a series have together.
type sum struct {
	sqlpool.Stats
	states     [sqlpool.StateClosed + 1]int
	health     [len(health.States)]int
	leaks      int
	tellsLeaks bool
}

func (m *Metrics) add(p member) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series[p.Name()]
	if s == nil {
		s = &series{closes: make(map[string]uint64)}
		m.series[p.Name()] = s
	}
	s.read() // forgets pools that are gone, in case nothing scrapes
	s.pools = append(s.pools, p)
	return s
}

// read adds up the pools and lets go of those that are closed and empty. No counter of
// theirs runs backwards, which to Prometheus would be a reset.
func (s *series) read() (t sum) {
	live := s.pools[:0]
	for _, p := range s.pools {
		now := p.Stats()
		if now.State == sqlpool.StateClosed && now.Open == 0 {
			count(&s.past, now)
			continue
		}
		live = append(live, p)
		count(&t.Stats, now)
		t.MaxConns += now.MaxConns
		t.Idle += now.Idle
		t.InUse += now.InUse
		t.Dialing += now.Dialing
		t.Closing += now.Closing
		t.Waiting += now.Waiting
		t.states[now.State]++
		t.health[p.Health.Status().State]++
		if p.Leaks != nil {
			t.tellsLeaks = true
			t.leaks += p.Leaks.Leaks()
		}
	}
	clear(s.pools[len(live):])
	s.pools = live
	count(&t.Stats, s.past)
	return t
}

// count adds the counters that are reported.
func count(to *sqlpool.Stats, s sqlpool.Stats) {
	to.TimeoutCount += s.TimeoutCount
	to.CanceledCount += s.CanceledCount
	to.SaturatedCount += s.SaturatedCount
	to.UnavailableCount += s.UnavailableCount
	to.DialErrorCount += s.DialErrorCount
	to.MisuseCount += s.MisuseCount
	to.WaitCount += s.WaitCount
	to.WaitTime += s.WaitTime
}

// oldestLoan is how long the longest loan is out, or zero. It looks at every
// connection, unlike read.
func (s *series) oldestLoan() (oldest time.Duration) {
	for _, p := range s.pools {
		for _, c := range p.Snapshot().Conns {
			if c.State == sqlpool.ConnInUse {
				oldest = max(oldest, c.For)
			}
		}
	}
	return oldest
}

// fleet is the shared limit as the newest of the pools reads it, or nil without one. One
// and the same limit is not added up.
func (s *series) fleet() *fleet.Status {
	for _, p := range slices.Backward(s.pools) {
		if p.Fleet != nil {
			shared := p.Fleet.Status()
			return &shared
		}
	}
	return nil
}

// closed counts a close.
func (s *series) closed(code string) {
	code = strings.ToValidUTF8(code, "�") // Prometheus takes nothing else
	if _, known := s.closes[code]; !known && len(s.closes) >= mostReasons {
		code = otherReason
	}
	s.closes[code]++
}
