package debugui

import (
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// status is the monitor's judgement, or what the pool's state says. since is
// when the pool's own state began, as far as it is known.
func (u *UI) status(s sqlpool.Snapshot, since time.Time) Status {
	st := Status{State: s.State.String(), Since: since, Reasons: []string{}, Steps: []string{}, Level: Healthy}
	if s.LastError != "" {
		st.LastError = u.redact(s.LastError)
		st.LastErrorAt = &s.LastErrorAt
	}
	switch {
	case s.State == sqlpool.StateClosed:
		st.Level = Closed
		st.Reasons = append(st.Reasons, "the pool is closed")
		return st
	case u.cfg.Health != nil:
		judged := u.cfg.Health.Status()
		st.Level, st.Since = judged.State.String(), judged.Since
		for _, r := range judged.Reasons {
			if r != health.ReasonPaused { // which is told as it is now, not as it was at the last sweep
				st.Reasons = append(st.Reasons, u.redact(r))
			}
		}
		if judged.State == health.Degraded && len(st.Reasons) == 0 {
			st.Level = Healthy // it was for the pause alone
		}
	case s.State == sqlpool.StateStarting && (s.MinIdle > 0 || s.Dialing > 0):
		st.Level = Starting
		st.Reasons = append(st.Reasons, "no connection has been opened yet")
	case s.State == sqlpool.StateDown && s.Idle == 0, s.State == sqlpool.StateRetrying && s.Idle+s.InUse == 0:
		st.Level = Unhealthy
		st.Reasons = append(st.Reasons, "the database is unreachable: "+st.LastError)
	case s.State == sqlpool.StateDown, s.State == sqlpool.StateRetrying:
		st.Level = Degraded
		st.Reasons = append(st.Reasons, "dials fail: "+st.LastError)
	}
	if s.Paused {
		if st.Level == Healthy {
			st.Level, st.Since = Paused, since
		}
		st.Reasons = append(st.Reasons, health.ReasonPaused)
	}
	return st
}
