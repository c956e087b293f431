package byname

import (
	"math"
	"time"

	"github.com/sqlpool/go/hooks/leak"
)

// hookSettings are those of the standard hooks.
var hookSettings = []setting{
	{
		"pool_max_conn_lifetime", "POOL_MAX_CONNECTION_LIFETIME", nil, "",
		"The age at which a connection is replaced, never in mid-use. 0: never.",
		lengthOrZero("no limit", func(a *assembly) *time.Duration { return &a.lifetime }),
	},
	{
		"pool_max_conn_lifetime_jitter", "POOL_MAX_CONNECTION_LIFETIME_JITTER", nil, "",
		"By how much less than pool_max_conn_lifetime a connection may be given, drawn for each (pgxpool adds it instead).",
		lengthOrZero("none", func(a *assembly) *time.Duration { return &a.jitter }).
			unset("a quarter of pool_max_conn_lifetime", func(a *assembly) bool { return a.jitter == quarter }),
	},
	{
		"pool_max_conn_idle_time", "POOL_MAX_IDLE_TIME", nil, "",
		"How long a connection may be idle, as long as more than pool_min_idle are. 0: for ever.",
		lengthOrZero("no limit", func(a *assembly) *time.Duration { return &a.idleTime }),
	},
	{
		"pool_max_uses", "POOL_MAX_QUERIES", nil, "",
		"How many statements a connection executes before it is replaced. 0: no limit.",
		count("statements", 0, math.MaxInt, func(a *assembly) *int { return &a.maxUses }),
	},
	{
		"pool_leak_detection", "POOL_ENABLE_LEAK_DETECTION", nil, "",
		"Whether loans that are held too long are found, named in timeouts and by LeaksOf, and make the pool's health degraded.",
		boolean("false", func(a *assembly, on bool) { a.leaks = on }, func(a *assembly) bool { return a.leaks }),
	},
	{
		"pool_leak_after", "POOL_LEAK_DETECTION_TIMEOUT", nil, "",
		"How long a loan may be out without being used. 0: leaks are not looked for.",
		lengthOrZero("not looked for", func(a *assembly) *time.Duration { return &a.leak.After }).waited(),
	},
	{
		"pool_leak_capture", "POOL_LEAK_CAPTURE", nil, "",
		"Whose stacks are taken: always, sampled (one loan in a hundred), or armed (all, once a first leak was found).",
		word(captures, func(a *assembly) *leak.Capture { return &a.leak.Capture }),
	},
	{
		"pool_leak_profile", "POOL_LEAK_PROFILE", nil, "",
		"Whether the loans that are out are in the runtime/pprof profile sqlpool.inuse: an allocation for each.",
		boolean("true", func(a *assembly, on bool) { a.leak.Profile = on }, func(a *assembly) bool { return a.leak.Profile }),
	},
	{
		"pool_leak_reclaim", "POOL_LEAK_RECLAIM", nil, "",
		"Whether the connection of a leak is cut off, so that its place is free again.",
		boolean("true", func(a *assembly, on bool) { a.leak.Reclaim = on }, func(a *assembly) bool { return a.leak.Reclaim }),
	},
	{
		"pool_reset", "POOL_RESET", nil, "",
		"What of a session's state ends with a loan: rollback (transactions only) or clean (also SET, ROLE, temporary tables, " +
			"advisory locks, LISTEN, cursors and PREPARE in SQL, at a round trip in the background, after which the AfterConnect hooks run again).",
		word(resets, func(a *assembly) *reset { return &a.reset }),
	},
	{
		"pool_keepalive", "POOL_KEEPALIVE", nil, "",
		"How long a connection may be idle before it is pinged, so that a dead one is replaced before it is needed. 0: never.",
		lengthOrZero("never", func(a *assembly) *time.Duration { return &a.health.Keepalive }),
	},
	{
		"pool_check_on_acquire", "POOL_CHECK_ON_ACQUIRE", nil, "",
		"Whether every connection is pinged before it is lent: a round trip for each.",
		boolean("true", func(a *assembly, on bool) { a.health.CheckOnAcquire = on }, func(a *assembly) bool { return a.health.CheckOnAcquire }),
	},
	{
		"pool_log", "POOL_LOG", nil, "",
		"Where events and leaks are logged: off, or slog for log/slog's default logger.",
		word(logs, func(a *assembly) *bool { return &a.log }),
	},
	{
		"pool_log_slow", "POOL_LOG_SLOW", nil, "",
		"With pool_log=slog: from which length on a statement is logged, with its text, the reading of its rows included. 0: none is.",
		lengthOrZero("none", func(a *assembly) *time.Duration { return &a.slow }).waited(),
	},
	{
		"pool_fleet_max_conns", "POOL_FLEET_MAX_CONNS", nil, "",
		"How many connections all pools of a group have together, in all processes (docs/sizing.md). pool_max_conns, if it is given, is then the most of this pool. 0: each pool has its own limit.",
		fleetLimit(func(a *assembly) *int { return &a.fleet.MaxConns }),
	},
	{
		"pool_fleet", "POOL_FLEET", nil, "",
		"The name of that group.",
		label(func(a *assembly) *string { return &a.fleet.Group }).unset("pool_name", func(a *assembly) bool { return a.fleet.Group == "" }),
	},
	{
		"pool_fleet_interval", "POOL_FLEET_INTERVAL", nil, "",
		"How often the pools of a group read each other's shares, at the least; the same in all of them.",
		wait(func(a *assembly) *time.Duration { return &a.fleet.Interval }),
	},
	{
		"pool_fleet_all_databases", "POOL_FLEET_ALL_DATABASES", nil, "",
		"Whether the pools in all databases of the server are one group, rather than those in one database.",
		boolean("true", func(a *assembly, on bool) { a.fleet.AllDatabases = on }, func(a *assembly) bool { return a.fleet.AllDatabases }),
	},
}

var (
	captures = map[string]leak.Capture{"always": leak.Always, "sampled": leak.Sampled, "armed": leak.Armed}
	resets   = map[string]reset{"rollback": resetRollback, "clean": resetClean}
	logs     = map[string]bool{"off": false, "slog": true}
)

// reset is a policy of hooks/resetter.
type reset int

const (
	resetRollback reset = iota
	resetClean
)
