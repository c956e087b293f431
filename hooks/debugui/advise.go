package debugui

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sqlpool/go/sqlpool"
)

// advise says what is odd about a configuration, and what to do about it: each
// of these has caused an outage. Settings have both names, the field's and that
// in a connection string.
//
// A short AcquireTimeout alone is no reason for a note: a dial that outlasts its
// callers serves the next ones, and the default FailFastAfter is what a restart
// of the database takes.
func (u *UI) advise(c sqlpool.Config) []string {
	all := []string{}
	warn := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	patience := fmt.Sprintf("AcquireTimeout (pool_acquire_timeout), which is %v", c.AcquireTimeout)
	warn(c.MaxConns == 1, "MaxConns (pool_max_conns) is 1: a caller that needs a second connection while it holds one waits for itself; "+
		"set 2 or more")
	warn(c.MaxConns > 100, "MaxConns (pool_max_conns) is %d: a server seldom has more work in it than a few connections for each core",
		c.MaxConns)
	warn(c.MinIdle == c.MaxConns, "MinIdle (pool_min_idle) is MaxConns (pool_max_conns): the pool never shrinks; set fewer")
	warn(c.ConnectTimeout >= c.AcquireTimeout && c.ConnectTimeout > sqlpool.DefaultConnectTimeout,
		"ConnectTimeout (pool_connect_timeout) is %v, not below %s: callers of a dial that hangs time out before it tells why; set %v, the default",
		c.ConnectTimeout, patience, sqlpool.DefaultConnectTimeout)
	warn(c.PingTimeout >= c.AcquireTimeout,
		"PingTimeout (pool_ping_timeout) is %v, not below %s: one dead connection costs a caller all of it; set %v or less",
		c.PingTimeout, patience, c.AcquireTimeout/2)
	warn(c.FailFastAfter >= c.AcquireTimeout && c.FailFastAfter > sqlpool.DefaultFailFastAfter,
		"FailFastAfter (pool_fail_fast_after) is %v, not below %s: for so long in an outage callers wait in vain until they time out; "+
			"set %v, the default, or let them wait longer",
		c.FailFastAfter, patience, sqlpool.DefaultFailFastAfter)
	warn(c.Backoff.NoJitter, "Backoff.NoJitter (pool_backoff_jitter): all processes dial at the same moments when the database comes back; turn jitter on")
	warn(u.cfg.Leaks == nil, "no leak detector: holders are shown without their stacks")
	warn(u.cfg.Health == nil, "no health monitor: the state is told from dials alone")
	warn(!u.hooked, "the UI's Hooks are not among the pool's (sqlpool.Config.Hooks, drivers.AddHooks): no percentiles, reasons of closes or dial errors")
	return all
}

// notes are what is odd about single settings. The code that parsed them writes
// them, because only that code knows how they were written.
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
	var all []sqlpool.Setting
	if u.cfg.Settings != nil {
		all = slices.Clone(u.cfg.Settings())
	}
	if len(all) == 0 {
		return pool.Settings()
	}
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
