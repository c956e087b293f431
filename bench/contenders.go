package bench

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// Setup is what a contender is opened with.
type Setup struct {
	DSN     string
	Schema  string // of the tables; see CreateTables
	Conns   int    // at most so many connections
	MinIdle int    // so many are kept ready, where the contender can
	Cold    bool   // nothing is dialed or prepared ahead

	// Dial is called before each dial; what it returns, after it. It may be nil.
	Dial func() (done func())
}

// Contender is a pool that takes part, with its own defaults but for the limit
// of connections: whatever it does for reliability is on.
type Contender struct {
	Name    string
	Driver  string // pgx or lib/pq
	Against string // the contender that its ratios are to; itself for none
	Open    func(context.Context, Setup) (Client, error)
}

// The contenders' names.
const (
	PlainPgx   = "database/sql + pgx"
	PlainPgx2  = "database/sql + pgx, again" // the A/A run
	PgxpoolSQL = "pgxpool behind database/sql"
	Pgxpool    = "pgxpool, native"
	SqlpoolPgx = "sqlpool + pgx" // as sql.Open gives it, with the standard hooks
	BarePgx    = "sqlpool + pgx, no hooks"
	Loans      = "sqlpool, native" // neither database/sql nor hooks
	LeakPgx    = "sqlpool + pgx, leak capture"
	PlainPq    = "database/sql + lib/pq"
	PlainPq2   = "database/sql + lib/pq, again"
	SqlpoolPq  = "sqlpool + lib/pq"
	CachedPq   = "sqlpool + lib/pq, cached queries" // pool_cache_queries=on
)

// Contenders are all of them, those that others are compared with first.
var Contenders = []Contender{
	{PlainPgx, "pgx", PlainPgx, plain(pgxConnector)},
	{PlainPgx2, "pgx", PlainPgx, plain(pgxConnector)},
	{PgxpoolSQL, "pgx", PlainPgx, openPgxpoolSQL},
	{Pgxpool, "pgx", PlainPgx, openPgxpool},
	{SqlpoolPgx, "pgx", PlainPgx, pooled(pgxAdapter, standardHooks)},
	{BarePgx, "pgx", PlainPgx, pooled(pgxAdapter, noHooks)},
	{Loans, "pgx", PlainPgx, openLoans},
	{LeakPgx, "pgx", PlainPgx, pooled(pgxAdapter, leakCapture)},
	{PlainPq, "lib/pq", PlainPq, plain(pqConnector)},
	{PlainPq2, "lib/pq", PlainPq, plain(pqConnector)},
	{SqlpoolPq, "lib/pq", PlainPq, pooled(pqAdapter, standardHooks)},
	{CachedPq, "lib/pq", PlainPq, pooled(pqAdapter, standardHooks, cachedQueries)},
}

// pick returns the contenders of those names, in the order of Contenders.
func pick(names ...string) (picked []Contender) {
	for _, c := range Contenders {
		for _, name := range names {
			if c.Name == name {
				picked = append(picked, c)
			}
		}
	}
	return picked
}

type connectorOf func(dsn string) (driver.Connector, error)

func pgxAdapter(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) }

func pqAdapter(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) }

func pqConnector(dsn string) (driver.Connector, error) { return pq.NewConnector(dsn) }

func pgxConnector(dsn string) (driver.Connector, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return stdlib.GetConnector(*cfg), nil
}

// plain is database/sql's own pool. It keeps as many idle connections as open
// ones: with its default of two it would dial all the time.
func plain(connector connectorOf) func(context.Context, Setup) (Client, error) {
	return func(ctx context.Context, s Setup) (Client, error) {
		c, err := connector(s.DSN)
		if err != nil {
			return nil, err
		}
		db := sql.OpenDB(watched(c, s))
		db.SetMaxOpenConns(s.Conns)
		db.SetMaxIdleConns(s.Conns)
		return newSQLClient(ctx, db, s)
	}
}

func cachedQueries(cfg *sqlpool.Config) { cfg.CacheQueries = true }

// pooled is this module's pool.
func pooled(connector connectorOf, hooks func() []sqlpool.Hooks, options ...func(*sqlpool.Config)) func(context.Context, Setup) (Client, error) {
	return func(ctx context.Context, s Setup) (Client, error) {
		p, err := openPool(connector, s, hooks, options...)
		if err != nil {
			return nil, err
		}
		return newSQLClient(ctx, sqlpool.OpenDB(p), s)
	}
}

func openLoans(_ context.Context, s Setup) (Client, error) {
	p, err := openPool(pgxAdapter, s, noHooks)
	if err != nil {
		return nil, err
	}
	return loanClient{p, textsOf(s.Schema)}, nil
}

func openPool(connector connectorOf, s Setup, hooks func() []sqlpool.Hooks, options ...func(*sqlpool.Config)) (*sqlpool.Pool, error) {
	c, err := connector(s.DSN)
	if err != nil {
		return nil, err
	}
	cfg := sqlpool.Config{Connector: watched(c, s), MaxConns: s.Conns, MinIdle: s.MinIdle, Hooks: hooks()}
	for _, set := range options {
		set(&cfg)
	}
	return sqlpool.New(cfg)
}
