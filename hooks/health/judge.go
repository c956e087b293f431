package health

import (
	"fmt"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// judge looks at the pool and publishes a new status.
func (m *Monitor) judge() {
	pool := m.pool.Load()
	if pool == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	stats := pool.Stats()
	next := Status{CheckedAt: now, LastError: stats.LastError, LastErrorAt: stats.LastErrorAt}
	next.State, next.Reasons = m.grounds(pool.Config(), stats, now)

	last := m.status.Load()
	next.Since = last.Since
	if next.State != last.State {
		next.Since = now
	}
	m.status.Store(&next)
	if next.State != last.State && m.cfg.OnChange != nil {
		m.cfg.OnChange(*last, next)
	}
}

// grounds returns the gravest state that something speaks for, and what
// speaks for it.
func (m *Monitor) grounds(cfg sqlpool.Config, s sqlpool.Stats, now time.Time) (State, []string) {
	state := Healthy
	var reasons []string
	because := func(at State, format string, args ...any) {
		if at > state {
			state = at
			// The gravest first.
			reasons = append([]string{fmt.Sprintf(format, args...)}, reasons...)
			return
		}
		reasons = append(reasons, fmt.Sprintf(format, args...))
	}

	usable := s.Idle + s.InUse // a connection that is being dialed is not open
	switch {
	case s.State == sqlpool.StateClosed:
		because(Unhealthy, "the pool is closed")
	case s.State == sqlpool.StateDown && s.Idle == 0:
		because(Unhealthy, "the database is unreachable and acquires fail at once: %s", s.LastError)
	case s.State == sqlpool.StateStarting && (cfg.MinIdle > 0 || s.Dialing > 0):
		because(Unhealthy, "no connection has been opened yet")
	case s.State == sqlpool.StateRetrying && usable == 0:
		because(Unhealthy, "no connection is open and dials fail: %s", s.LastError)
	case s.State == sqlpool.StateRetrying || s.State == sqlpool.StateDown:
		because(Degraded, "dials fail; %d connections are left: %s", usable, s.LastError)
	}

	if s.Paused {
		because(Degraded, "the pool is paused: acquires wait for Resume")
	}
	if m.cfg.Leaks != nil {
		if n := m.cfg.Leaks.Leaks(); n > 0 {
			because(Degraded, "%s held too long", plural(n, "loan is", "loans are"))
		}
	}
	limit := m.cfg.Waiting
	if limit == 0 {
		limit = cfg.MaxWaiters
	}
	if limit == 0 {
		limit = 5 * cfg.MaxConns
	}
	if s.Waiting >= limit {
		because(Degraded, "%d acquires wait for a connection", s.Waiting)
	}
	if n := m.refusedWithin(s.TimeoutCount+s.SaturatedCount, now); n >= uint64(m.cfg.Timeouts) {
		because(Degraded, "%d acquires timed out or were refused within %v", n, m.cfg.Window)
	}
	return state, reasons
}

// refusedWithin is how much the count has grown within the window.
func (m *Monitor) refusedWithin(count uint64, now time.Time) uint64 {
	m.refused = append(m.refused, refusals{now, count})
	first := 0
	for first < len(m.refused)-1 && now.Sub(m.refused[first].at) > m.cfg.Window {
		first++
	}
	m.refused = append(m.refused[:0], m.refused[first:]...)
	return count - m.refused[0].count
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
