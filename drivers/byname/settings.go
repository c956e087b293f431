package byname

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

//go:generate go test -run TestSettingsPage -update .

// setting is one row of the table: everything about a setting is here, and
// docs/settings.md is made from it.
type setting struct {
	name    string   // in a connection string
	env     string   // in the environment of the original; variables has all names there
	aliases []string // other names in a connection string: pgxpool's, where they differ
	field   string   // the field of sqlpool.Config that Validate would name; empty for a hook's setting
	meaning string   // one sentence or two
	value   value
}

// settings is the table, in the order of the documentation. The names are
// pgxpool's where it has the setting, env's those of the production service that
// the pool comes from where that had it.
var settings = slices.Concat(coreSettings, hookSettings, routeSettings)

// coreSettings are the fields of sqlpool.Config.
var coreSettings = []setting{
	{
		"pool_name", "POOL_NAME", nil, "Name",
		"Names the pool in errors, logs and metrics.",
		label(func(a *assembly) *string { return &a.cfg.Name }),
	},
	{
		"pool_max_conns", "POOL_MAX_SIZE", nil, "MaxConns",
		"How many connections may exist at once, those being opened and closed included.",
		count("connections", 1, mostBackends, func(a *assembly) *int { return &a.cfg.MaxConns }),
	},
	{
		"pool_min_idle", "POOL_MIN_SIZE", []string{"pool_min_idle_conns", "pool_min_conns"}, "MinIdle",
		"How many idle connections are kept ready. The default is lowered to pool_max_conns when that is smaller.",
		count("connections", 0, mostBackends, func(a *assembly) *int { return &a.cfg.MinIdle }),
	},
	{
		"pool_acquire_timeout", "POOL_ACQUIRE_TIMEOUT", nil, "AcquireTimeout",
		"Bounds the wait for a usable connection: queue, dial and validation together. An earlier deadline of the context wins.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.AcquireTimeout }),
	},
	{
		"pool_connect_timeout", "POOL_CONNECT_TIMEOUT", nil, "ConnectTimeout",
		"Bounds the opening of one connection. The driver's own connect_timeout holds as well, for each host.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.ConnectTimeout }),
	},
	{
		"pool_max_dialing", "POOL_MAX_DIALING", nil, "MaxDialing",
		"How many connections may be opened at the same time.",
		count("connections", 1, mostBackends, func(a *assembly) *int { return &a.cfg.MaxDialing }),
	},
	{
		"pool_max_waiters", "POOL_MAX_WAITERS", nil, "MaxWaiters",
		"How many callers may wait for a connection; one more fails at once. 0: no limit.",
		count("callers", 0, math.MaxInt, func(a *assembly) *int { return &a.cfg.MaxWaiters }),
	},
	{
		"pool_ping_after", "POOL_PING_AFTER", nil, "PingAfter",
		"Idle for longer than this, a connection is pinged before it is lent, where a look at its socket cannot tell.",
		length(func(a *assembly) *time.Duration { return &a.cfg.PingAfter }).
			unset("30s, or 1s when the driver does not show its socket", func(a *assembly) bool { return a.cfg.PingAfter == 0 }),
	},
	{
		"pool_ping_timeout", "POOL_PING_TIMEOUT", nil, "PingTimeout",
		"Bounds one such ping.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.PingTimeout }),
	},
	{
		"pool_statement_timeout", "POOL_STATEMENT_TIMEOUT", nil, "StatementTimeout",
		"Bounds, on the client's side, a statement whose context and transaction have no deadline. 0: no bound.",
		lengthOrZero("no bound", func(a *assembly) *time.Duration { return &a.cfg.StatementTimeout }).waited(),
	},
	{
		"pool_rollback_timeout", "POOL_ROLLBACK_TIMEOUT", nil, "RollbackTimeout",
		"Bounds a rollback, and what the pool does for a transaction that was left open.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.RollbackTimeout }),
	},
	{
		"pool_close_timeout", "POOL_CLOSE_TIMEOUT", nil, "CloseTimeout",
		"How long a closing connection counts while the server is not known to have ended it.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.CloseTimeout }),
	},
	{
		"pool_shutdown_timeout", "POOL_SHUTDOWN_TIMEOUT", nil, "ShutdownTimeout",
		"How long db.Close lets work finish before it cuts connections off.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.ShutdownTimeout }),
	},
	{
		"pool_sweep_interval", "POOL_SWEEP_INTERVAL", []string{"pool_health_check_period"}, "SweepInterval",
		"How often idle connections are looked at for what has expired.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.SweepInterval }),
	},
	{
		"pool_statements", "POOL_STATEMENTS", nil, "Statements",
		"What a prepared *sql.Stmt is on a connection: prepared once, or its text each time (for poolers in transaction mode; " +
			"they need the driver's own parameters too: default_query_exec_mode for pgx, binary_parameters for lib/pq).",
		word(statementWords, func(a *assembly) *sqlpool.Statements { return &a.cfg.Statements }),
	},
	{
		"pool_cache_queries", "POOL_CACHE_QUERIES", nil, "CacheQueries",
		"Whether queries with arguments are kept prepared on their connection, where the driver does not do that itself (lib/pq; pgx has " +
			"default_query_exec_mode). Faster, with answers of the day they were prepared: see migrating.md.",
		boolean("true", func(a *assembly, on bool) { a.cfg.CacheQueries = on }, func(a *assembly) bool { return a.cfg.CacheQueries }),
	},
	{
		"pool_begin", "POOL_BEGIN", nil, "",
		"When a transaction's BEGIN is sent: lazy, with its first statement, which saves a round trip (not on lib/pq with TLS, in pgx's mode simple_protocol, " +
			"nor through a socket that is hidden), or eager, when it begins. What differs: operations.md.",
		word(begins, func(a *assembly) *bool { return &a.eager }),
	},
	{
		"pool_hide_statements", "POOL_HIDE_STATEMENTS", nil, "HideStatements",
		"Keeps the text of statements out of errors, logs and reports. Arguments are never in them.",
		boolean("true", func(a *assembly, on bool) { a.cfg.HideStatements = on }, func(a *assembly) bool { return a.cfg.HideStatements }),
	},
	{
		"pool_backoff_first", "POOL_BACKOFF_FIRST", nil, "Backoff.First",
		"While the database cannot be reached: the limit of the first pause between dials.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.Backoff.First }),
	},
	{
		"pool_backoff_max", "POOL_BACKOFF_MAX", nil, "Backoff.Max",
		"The limit of all such pauses.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.Backoff.Max }),
	},
	{
		"pool_backoff_factor", "POOL_BACKOFF_FACTOR", nil, "Backoff.Factor",
		"How the limit grows from one pause to the next.",
		factor(func(a *assembly) *float64 { return &a.cfg.Backoff.Factor }),
	},
	{
		"pool_backoff_jitter", "POOL_BACKOFF_JITTER", nil, "Backoff.NoJitter",
		"Whether a pause is drawn between 0 and its limit, so that the clients of one server come back apart.",
		boolean("true", func(a *assembly, on bool) { a.cfg.Backoff.NoJitter = !on }, func(a *assembly) bool { return !a.cfg.Backoff.NoJitter }),
	},
	{
		"pool_fail_fast_after", "POOL_FAIL_FAST_AFTER", nil, "FailFastAfter",
		"How long callers wait for an unreachable database to return; after that they fail at once until it does.",
		wait(func(a *assembly) *time.Duration { return &a.cfg.FailFastAfter }),
	},
}

var begins = map[string]bool{"lazy": false, "eager": true}

var statementWords = map[string]sqlpool.Statements{"prepared": sqlpool.StatementsPrepared, "text": sqlpool.StatementsAsText}

// variables are the setting's names in the environment: those in a connection
// string in capitals, which is the first guess, and the original's.
func (s *setting) variables() []string {
	var all []string
	for _, name := range append([]string{s.name}, s.aliases...) {
		all = append(all, strings.ToUpper(name))
	}
	if !slices.Contains(all, s.env) {
		all = slices.Insert(all, 1, s.env)
	}
	return all
}

// byName finds the setting that has the name or alias.
func byName(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
		for _, alias := range settings[i].aliases {
			if alias == name {
				return &settings[i]
			}
		}
	}
	return nil
}
