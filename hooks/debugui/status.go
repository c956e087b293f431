package debugui

import (
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// status is the monitor's judgement, or what the pool's state says. since is
// when the pool's own state began, as far as it is known.
func (u *UI) status(s sqlpool.Snapshot, since time.Time) Status {
	st := Status{State: s.State.String(), Since: since, Reasons: []string{}, Level: Healthy}
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
		if judged.State == health.Healthy && s.Paused {
			st.Since = since
		}
		for _, r := range judged.Reasons {
			st.Reasons = append(st.Reasons, u.redact(r))
		}
	case s.State == sqlpool.StateDown && s.Idle == 0, s.State == sqlpool.StateRetrying && s.Idle+s.InUse == 0:
		st.Level = Unhealthy
		st.Reasons = append(st.Reasons, "the database is unreachable: "+st.LastError)
	case s.State == sqlpool.StateDown, s.State == sqlpool.StateRetrying:
		st.Level = Degraded
		st.Reasons = append(st.Reasons, "dials fail: "+st.LastError)
	}
	if s.Paused {
		if st.Level == Healthy {
			st.Level = Paused
		}
		st.Reasons = append(st.Reasons, "the pool is paused: acquires wait until it is resumed")
	}
	return st
}
