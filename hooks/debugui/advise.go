package debugui

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sqlpool/go/sqlpool"
)

// advise says what is odd about a configuration: each of these was somebody's
// outage.
func (u *UI) advise(c sqlpool.Config) []string {
	all := []string{}
	warn := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	warn(c.MaxConns == 1, "MaxConns is 1: a caller that needs a second connection while it holds one waits for itself")
	warn(c.MaxConns > 100, "MaxConns is %d: a server seldom has more work in it than a few connections for each core", c.MaxConns)
	warn(c.MinIdle == c.MaxConns, "MinIdle is MaxConns: the pool never shrinks")
	warn(c.ConnectTimeout >= c.AcquireTimeout, "ConnectTimeout (%v) is not below AcquireTimeout (%v): one slow dial outlasts every caller's patience",
		c.ConnectTimeout, c.AcquireTimeout)
	warn(c.PingTimeout >= c.AcquireTimeout, "PingTimeout (%v) is not below AcquireTimeout (%v): one dead connection costs a caller all of it",
		c.PingTimeout, c.AcquireTimeout)
	warn(c.FailFastAfter >= c.AcquireTimeout, "FailFastAfter (%v) is not below AcquireTimeout (%v): in an outage the first callers time out before the circuit opens",
		c.FailFastAfter, c.AcquireTimeout)
	warn(c.ShedTarget >= c.AcquireTimeout, "ShedTarget (%v) is not below AcquireTimeout (%v): load is never shed", c.ShedTarget, c.AcquireTimeout)
	warn(c.Backoff.NoJitter, "Backoff.NoJitter: all processes dial at the same moments when the database comes back")
	warn(u.cfg.Leaks == nil, "no leak detector: holders are shown without their stacks")
	warn(u.cfg.Health == nil, "no health monitor: the state is told from dials alone")
	warn(!u.hooked, "the UI's Hooks are not among the pool's (sqlpool.Config.Hooks, drivers.AddHooks): no percentiles, reasons of closes or dial errors")
	return all
}

// notes are what is odd about single settings. Whoever read them says so, who
// alone knows how they were written.
func notes(list []Setting) (all []string) {
	for _, s := range list {
		if s.Note != "" {
			all = append(all, s.Note)
		}
	}
	return all
}

// settings are the pool's own, or those that the program names with what Resize
// has changed of them.
func (u *UI) settings(pool *sqlpool.Pool) []sqlpool.Setting {
	if len(u.cfg.Settings) == 0 {
		return pool.Settings()
	}
	all := slices.Clone(u.cfg.Settings)
	s := pool.Stats()
	for i := range all {
		now := ""
		switch all[i].Name {
		case "MaxConns", "pool_max_conns":
			now = strconv.Itoa(s.MaxConns)
		case "MinIdle", "pool_min_idle":
			now = strconv.Itoa(s.MinIdle)
		}
		if now != "" && now != all[i].Value {
			all[i].Value, all[i].Source = now, sqlpool.SettingResized
		}
	}
	return all
}
