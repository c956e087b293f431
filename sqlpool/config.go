package sqlpool

import (
	"database/sql/driver"
	"time"
)

// Config says what a pool may do. The zero value of every field but Connector
// means its default, written beside it; a negative value is an error, never a
// silent repair. A Config is copied by New: changing it later has no effect.
type Config struct {
	// Connector opens physical connections. Required. An adapter's connector
	// (drivers/pgxv5, drivers/libpq) or any other driver.Connector.
	Connector driver.Connector

	// Name names the pool in errors, logs and metrics. Default "default".
	Name string

	// MaxConns is how many physical connections may exist at once: idle, in
	// use, dialing and closing together, so that the server never sees more.
	// Default 10; at most 262143, the limit of a PostgreSQL server.
	MaxConns int

	// MinIdle is how many idle connections the pool keeps ready, as far as
	// MaxConns allows. Default 0.
	MinIdle int

	// AcquireTimeout bounds one acquire from the call to the usable connection:
	// waiting, dialing and validating together. An earlier deadline of the
	// caller's context wins. Default 30 s.
	AcquireTimeout time.Duration

	// ConnectTimeout bounds one dial, AfterConnect hooks included. A dial
	// belongs to the pool, not to the caller that asked for it. Default 5 s.
	ConnectTimeout time.Duration

	// MaxDialing is how many dials may run at once. A burst of callers on an
	// empty pool is served by few connections as soon as each is ready, where a
	// dial for every caller would only load the server. Default 4.
	MaxDialing int

	// MaxWaiters is how many acquires may queue; one more fails at once with
	// ErrSaturated. Default 0: no limit.
	MaxWaiters int

	// PingAfter is how long a connection may be idle before it is pinged (one
	// round trip) ahead of the next loan, where a look at its socket is not to
	// be had. Default 1 s with a driver that does not expose its socket, and
	// 30 s with one that does.
	PingAfter time.Duration

	// PingTimeout bounds one such ping. Default 1 s.
	PingTimeout time.Duration

	// StatementTimeout bounds a statement whose context, and whose transaction's,
	// has no deadline: from when it is sent until it has ended, or its rows are
	// closed or followed by the next statement of their transaction. A call that it
	// ends fails with ErrStatementTimeout, as it would at a deadline of its own;
	// rows that are being read end with the driver's error for a deadline. It does
	// not bound the wait for a connection (AcquireTimeout does), Ping, Prepare,
	// BEGIN and COMMIT. Default 0: no bound.
	StatementTimeout time.Duration

	// RollbackTimeout bounds a Rollback, and the pool's own rollback of a
	// transaction that a caller left open. Default 5 s.
	RollbackTimeout time.Duration

	// CloseTimeout is how long a closing connection keeps its slot while the
	// server side is not known to be gone. After a caller's deadline or a ping that
	// was not answered in time, it keeps it for only four times what its dial took,
	// at least 250 ms (unheardLimit) and at most CloseTimeout. Default 500 ms.
	CloseTimeout time.Duration

	// ShutdownTimeout is how long Close lets loans finish. Default 30 s.
	ShutdownTimeout time.Duration

	// SweepInterval is how often idle connections meet the WhileIdle hooks.
	// Default 1 s.
	SweepInterval time.Duration

	// Statements says how a *sql.Stmt is kept. Default StatementsPrepared.
	Statements Statements

	// CacheQueries keeps the texts of queries that have arguments prepared on each
	// physical connection, the 128 used last of up to 4 KB each, where the driver does
	// not do that itself and gains from it (lib/pq: one round trip, and no parsing).
	// It changes answers: a kept statement has the types, tables and literals of the
	// day it was prepared, until it fails (docs/migrating.md). Default false.
	CacheQueries bool

	// HideStatements keeps the text of statements out of errors, events and
	// Holders. Arguments are never in them.
	HideStatements bool

	// Backoff paces dials while the database cannot be reached. Default:
	// 100 ms doubling to 16 s, full jitter.
	Backoff Backoff

	// FailFastAfter is how long acquires wait for an unreachable database to
	// return. From then on the circuit is open: an acquire without an idle
	// connection fails at once with ErrUnavailable. Default 10 s. A pool that
	// never had a connection does not wait: a wrong address should be seen at
	// start-up. It does wait for a hook that has no place yet (AfterConnect).
	FailFastAfter time.Duration

	// Classify overrides the class of an error; returning ClassUnknown leaves
	// it to the pool's own table (see Class). Must be safe for concurrent use.
	Classify func(error) Class

	// Hooks are called in this order at each moment of a connection's life.
	Hooks []Hooks
}

// Statements says what a *sql.Stmt of a *sql.DB becomes on a physical
// connection.
type Statements int

const (
	// StatementsPrepared prepares a text once on each physical connection that
	// executes it.
	StatementsPrepared Statements = iota

	// StatementsAsText never prepares: a statement is its text, sent anew each
	// time. For poolers in transaction mode that cannot carry prepared
	// statements. An error in the text shows at the first execution.
	StatementsAsText
)

// The defaults of Config's fields.
const (
	DefaultName            = "default"
	DefaultMaxConns        = 10
	DefaultAcquireTimeout  = 30 * time.Second
	DefaultConnectTimeout  = 5 * time.Second
	DefaultMaxDialing      = 4
	DefaultPingAfter       = 30 * time.Second
	DefaultPingAfterBlind  = time.Second
	DefaultPingTimeout     = time.Second
	DefaultRollbackTimeout = 5 * time.Second
	DefaultCloseTimeout    = 500 * time.Millisecond
	DefaultShutdownTimeout = 30 * time.Second
	DefaultSweepInterval   = time.Second
	DefaultFailFastAfter   = 10 * time.Second
)

// withDefaults returns the configuration with every zero field set. PingAfter
// is left alone: its default depends on the connection (see pingAfter in check.go).
func (c Config) withDefaults() Config {
	setDefault(&c.Name, DefaultName)
	setDefault(&c.MaxConns, DefaultMaxConns)
	setDefault(&c.AcquireTimeout, DefaultAcquireTimeout)
	setDefault(&c.ConnectTimeout, DefaultConnectTimeout)
	setDefault(&c.MaxDialing, DefaultMaxDialing)
	setDefault(&c.PingTimeout, DefaultPingTimeout)
	setDefault(&c.RollbackTimeout, DefaultRollbackTimeout)
	setDefault(&c.CloseTimeout, DefaultCloseTimeout)
	setDefault(&c.ShutdownTimeout, DefaultShutdownTimeout)
	setDefault(&c.SweepInterval, DefaultSweepInterval)
	setDefault(&c.FailFastAfter, DefaultFailFastAfter)
	c.Backoff = c.Backoff.withDefaults()
	c.Hooks = append([]Hooks(nil), c.Hooks...)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
