package stray

import (
	"slices"
	"strings"
)

// prefix marks a parameter as the pool's.
const prefix = "pool_"

// names are the settings and their aliases. They have their home in package
// drivers, which the adapters must not import; a test there compares the two.
var names = []string{
	"pool_acquire_timeout", "pool_backoff_factor", "pool_backoff_first", "pool_backoff_jitter", "pool_backoff_max",
	"pool_begin", "pool_cache_queries", "pool_check_on_acquire", "pool_close_timeout", "pool_connect_timeout", "pool_fail_fast_after",
	"pool_fleet", "pool_fleet_all_databases", "pool_fleet_interval", "pool_fleet_max_conns", "pool_health_check_period",
	"pool_hide_statements", "pool_keepalive", "pool_leak_after", "pool_leak_capture", "pool_leak_detection",
	"pool_leak_profile", "pool_leak_reclaim", "pool_log", "pool_log_slow", "pool_max_conn_idle_time", "pool_max_conn_lifetime",
	"pool_max_conn_lifetime_jitter", "pool_max_conns", "pool_max_dialing", "pool_max_uses", "pool_max_waiters",
	"pool_min_conns", "pool_min_idle", "pool_min_idle_conns", "pool_name", "pool_ping_after", "pool_ping_timeout",
	"pool_replica_max_lag", "pool_replicas", "pool_reset", "pool_rollback_timeout", "pool_shutdown_timeout", "pool_statement_timeout", "pool_statements",
	"pool_sweep_interval", "pool_without_replica",
}

// Names returns the names of all settings that a connection string can have.
func Names() []string { return slices.Clone(names) }

// Ours reports whether a parameter is the pool's by its name. One with a dot,
// such as pool_app.tenant, is a custom parameter of the server, which takes it.
func Ours(name string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) && !strings.Contains(name, ".")
}

// Shown returns the name of a parameter as an error may have it: as it is written
// if it is a setting's, in whatever letters. Any other may be a part of a
// password, by its looks as harmless as a name: lib/pq takes
// "postgres://u:1?pool_hunter=x@h" for a parameter pool_hunter.
func Shown(name string) string {
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
		return name
	}
	return "a " + prefix + " parameter whose name is not shown"
}
