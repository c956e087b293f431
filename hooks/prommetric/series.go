package prommetric

import (
	"strings"
	"time"

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
	pools   []member
	past    counters // of pools that are gone
	highest counters // reported so far
	closes  map[string]uint64
}

// member is a pool with what else tells of it.
type member struct {
	*sqlpool.Pool
	Sources
}

// gauges and counters are what is taken from Pool.Stats.
type gauges struct {
	most, idle, inUse, dialing, closing, waiting int
	states                                       [sqlpool.StateClosed + 1]int
	health                                       [len(health.States)]int
	leaks                                        int
	tellsLeaks                                   bool
}

type counters struct {
	timeouts, canceled, saturated, unavailable uint64
	dialErrors, misuses, waits                 uint64
	waited                                     time.Duration
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

// read adds up the pools and lets go of those that are closed and empty.
func (s *series) read() (g gauges, c counters) {
	live := s.pools[:0]
	for _, p := range s.pools {
		now := p.Stats()
		if now.State == sqlpool.StateClosed && now.Open == 0 {
			s.past.add(now)
			continue
		}
		live = append(live, p)
		c.add(now)
		g.add(now)
		g.health[p.Health.Status().State]++
		if p.Leaks != nil {
			g.tellsLeaks = true
			g.leaks += p.Leaks.Leaks()
		}
	}
	clear(s.pools[len(live):])
	s.pools = live
	c.plus(s.past)
	s.highest.raise(c)
	return g, s.highest
}

func (g *gauges) add(s sqlpool.Stats) {
	g.most += s.MaxConns
	g.idle += s.Idle
	g.inUse += s.InUse
	g.dialing += s.Dialing
	g.closing += s.Closing
	g.waiting += s.Waiting
	g.states[s.State]++
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

func of(s sqlpool.Stats) counters {
	return counters{
		timeouts: s.TimeoutCount, canceled: s.CanceledCount, saturated: s.SaturatedCount, unavailable: s.UnavailableCount,
		dialErrors: s.DialErrorCount, misuses: s.MisuseCount, waits: s.WaitCount, waited: s.WaitTime,
	}
}

func (c *counters) add(s sqlpool.Stats) { c.plus(of(s)) }

func (c *counters) plus(o counters) {
	c.timeouts += o.timeouts
	c.canceled += o.canceled
	c.saturated += o.saturated
	c.unavailable += o.unavailable
	c.dialErrors += o.dialErrors
	c.misuses += o.misuses
	c.waits += o.waits
	c.waited += o.waited
}

// raise lets no counter fall. The pool takes a wait back when its waiter turns
// out to have gone, and to Prometheus a counter that is one less than before
// has been reset: it would count everything once more.
func (c *counters) raise(o counters) {
	c.timeouts = max(c.timeouts, o.timeouts)
	c.canceled = max(c.canceled, o.canceled)
	c.saturated = max(c.saturated, o.saturated)
	c.unavailable = max(c.unavailable, o.unavailable)
	c.dialErrors = max(c.dialErrors, o.dialErrors)
	c.misuses = max(c.misuses, o.misuses)
	c.waits = max(c.waits, o.waits)
	c.waited = max(c.waited, o.waited)
}

// count counts a close.
func (s *series) count(code string) {
	code = strings.ToValidUTF8(code, "�") // Prometheus takes nothing else
	if _, known := s.closes[code]; !known && len(s.closes) >= mostReasons {
		code = otherReason
	}
	s.closes[code]++
}
