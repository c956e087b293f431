package targets

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// postgres is sqlpool on a PostgreSQL.
func postgres() []Contender {
	direct := func(mode pgx.QueryExecMode) func(places) (conformance.Target, error) {
		return func(p places) (conformance.Target, error) {
			return withReplicas(p, func(dsn string) (conformance.Target, error) { return onPgx(dsn, mode) })
		}
	}
	return []Contender{
		{"pgx", "sqlpool on pgx, mode cache_statement", true, direct(pgx.QueryExecModeCacheStatement)},
		{"pgx describe", "sqlpool on pgx, mode cache_describe", true, direct(pgx.QueryExecModeCacheDescribe)},
		{"pgx exec", "sqlpool on pgx, mode exec", true, direct(pgx.QueryExecModeExec)},
		{"pgx simple", "sqlpool on pgx, mode simple_protocol", true, direct(pgx.QueryExecModeSimpleProtocol)},
		{"pq", "sqlpool on lib/pq", true, func(p places) (conformance.Target, error) { return withReplicas(p, onPQ) }},
	}
}

// bounced is sqlpool on a PgBouncer in transaction mode. pgx's mode
// cache_statement is not among them: PgBouncer gives each transaction another
// server, and before its version 1.21 a statement that was prepared on one is
// not known to the next.
func bounced() []Contender {
	through := func(mode pgx.QueryExecMode) func(places) (conformance.Target, error) {
		return func(p places) (conformance.Target, error) {
			t, err := onPgx(p.bouncer, mode)
			return behindBouncer(t), err
		}
	}
	return []Contender{
		{"pgx describe, PgBouncer", "sqlpool on pgx, mode cache_describe, through PgBouncer in transaction mode", true, through(pgx.QueryExecModeCacheDescribe)},
		{"pgx exec, PgBouncer", "sqlpool on pgx, mode exec, through PgBouncer in transaction mode", true, through(pgx.QueryExecModeExec)},
		{"pgx simple, PgBouncer", "sqlpool on pgx, mode simple_protocol, through PgBouncer in transaction mode", true, through(pgx.QueryExecModeSimpleProtocol)},
		{"pq, PgBouncer", "sqlpool on lib/pq with binary_parameters, through PgBouncer in transaction mode", true, func(p places) (conformance.Target, error) {
			t, err := onPQ(p.bouncer + "&binary_parameters=yes")
			return behindBouncer(t), err
		}},
	}
}

func onPgx(dsn string, mode pgx.QueryExecMode) (conformance.Target, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return conformance.Target{}, err
	}
	cfg.DefaultQueryExecMode = mode
	return conformance.Target{Connector: pgxv5.ConnectorConfig(cfg), Dialect: conformance.PostgreSQL}, nil
}

func onPQ(dsn string) (conformance.Target, error) {
	c, err := libpq.Connector(dsn)
	return conformance.Target{Connector: c, Dialect: conformance.PostgreSQL}, err
}

// withReplicas is a target on the server and its standbys.
func withReplicas(p places, on func(dsn string) (conformance.Target, error)) (conformance.Target, error) {
	t, err := on(p.postgres)
	for _, dsn := range p.replicas {
		r, failed := on(dsn)
		err = errors.Join(err, failed)
		t.Replicas = append(t.Replicas, conformance.Replica{Connector: r.Connector, Hold: func(ctx context.Context) (func() error, error) {
			return hold(ctx, r.Connector)
		}})
	}
	return t, err
}

// hold pauses the replay of a standby: what is written from now on it does not replay.
func hold(ctx context.Context, standby driver.Connector) (resume func() error, err error) {
	db := sql.OpenDB(standby)
	resume = func() error {
		_, err := db.ExecContext(context.WithoutCancel(ctx), "SELECT pg_wal_replay_resume()")
		return errors.Join(err, db.Close())
	}
	if _, err := db.ExecContext(ctx, "SELECT pg_wal_replay_pause()"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return resume, nil
}

// behindBouncer declares what a pooler in transaction mode takes away.
func behindBouncer(t conformance.Target) conformance.Target {
	const another = "each transaction has another server session behind PgBouncer in transaction mode"
	t.Lacks = map[conformance.Need]string{
		conformance.NeedSession: another, conformance.NeedState: another, conformance.NeedReset: another,
		conformance.NeedKill: another, conformance.NeedDiscard: another, conformance.NeedStale: another,
		conformance.NeedPrepares: "statements are sent as text: what was prepared is not there in the next transaction",
	}
	t.Open = func(s conformance.Settings) (*conformance.Subject, error) {
		adjust := s.Adjust
		s.Adjust = func(c *sqlpool.Config) {
			c.Statements = sqlpool.StatementsAsText
			if adjust != nil {
				adjust(c)
			}
		}
		return conformance.OpenPool(s)
	}
	return t
}
