package health

import (
	"fmt"
	"slices"
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
	next := judgement{Status: Status{CheckedAt: now, LastError: stats.LastError, LastErrorAt: stats.LastErrorAt}}
	var reasons []reason
	next.State, reasons = m.reasons(pool.Config(), stats, now)
	for _, g := range reasons {
		next.Reasons, next.brief = append(next.Reasons, g.String()), append(next.brief, g.text)
	}

	last := m.last.Load()
	next.Since = last.Since
	if next.State != last.State {
		next.Since = now
	}
	m.last.Store(&next)
	if next.State != last.State && m.cfg.OnChange != nil {
		m.cfg.OnChange(last.Status, next.Status)
	}
}

// reason is a reason for a state.
type reason struct {
	text string
	why  string // an error's text, which may name the server and the user; or empty
}

// String is the reason in words.
func (g reason) String() string {
	if g.why == "" {
		return g.text
	}
	return g.text + ": " + g.why
}

// reasons returns the gravest state for which there is a reason, and the reasons.
func (m *Monitor) reasons(cfg sqlpool.Config, s sqlpool.Stats, now time.Time) (State, []reason) {
	state := Healthy
	var reasons []reason
	add := func(at State, g reason) {
		if at > state {
			state = at
			// The gravest first.
			reasons = append([]reason{g}, reasons...)
			return
		}
		reasons = append(reasons, g)
	}
	because := func(at State, format string, args ...any) { add(at, reason{text: fmt.Sprintf(format, args...)}) }
	dialsFail := func(at State, format string, args ...any) { add(at, reason{fmt.Sprintf(format, args...), s.LastError}) }

	usable := s.Idle + s.InUse // a connection that is being dialed is not open
	switch {
	case s.State == sqlpool.StateClosed:
		because(Unhealthy, "the pool is closed")
	case s.State == sqlpool.StateDown && s.Idle == 0:
		dialsFail(Unhealthy, "the database is unreachable: dials fail and no connection has proved itself; acquires fail at once")
	case s.State == sqlpool.StateStarting && (cfg.MinIdle > 0 || s.Dialing > 0):
		because(Starting, "no connection has been opened yet")
	case s.State == sqlpool.StateRetrying && usable == 0:
		dialsFail(Unhealthy, "no connection is open and dials fail")
	case s.State == sqlpool.StateRetrying || s.State == sqlpool.StateDown:
		dialsFail(Degraded, "dials fail; %s left", plural(usable, "connection is", "connections are"))
	}

	if s.Paused {
		because(Degraded, ReasonPaused)
	}
	if m.cfg.Leaks != nil {
		if n := m.cfg.Leaks.Leaks(); n > 0 {
			because(Degraded, "%s held too long", plural(n, "loan is", "loans are"))
		}
	}
	if m.cfg.Fleet != nil {
		if what, why := m.cfg.Fleet.Warning(); what != "" {
			g := reason{text: what}
			if why != nil {
				g.why = why.Error()
			}
			add(Degraded, g)
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
		because(Degraded, "%s for a connection", plural(s.Waiting, "acquire waits", "acquires wait"))
	}
	if n := m.refused.grown(s.TimeoutCount+s.SaturatedCount, now, m.cfg.Window); n >= uint64(m.cfg.Timeouts) {
		because(Degraded, "%s within %v", plural(int(n), "acquire timed out or was refused", "acquires timed out or were refused"), m.cfg.Window)
	}
	if n := m.writes.grown(s.ReadOnlyCount, now, m.cfg.Window); n >= uint64(m.cfg.Timeouts) {
		because(Degraded, "%d writes were refused within %v because the server only reads (SQLSTATE 25006): it may be a standby; target_session_attrs=read-write finds the primary", n, m.cfg.Window)
	}
	return state, reasons
}

// series is a counter at the times at which it had changed, the oldest first.
type series []struct {
	at    time.Time
	count uint64
}

// grown is how much the count has grown within the window.
func (s *series) grown(count uint64, now time.Time, window time.Duration) uint64 {
	all := *s
	if len(all) == 0 || all[len(all)-1].count != count {
		all = append(all, struct {
			at    time.Time
			count uint64
		}{now, count})
	}
	first := 0 // what the count was when the window began
	for first < len(all)-1 && now.Sub(all[first+1].at) >= window {
		first++
	}
	*s = slices.Delete(all, 0, first)
	return count - (*s)[0].count
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
