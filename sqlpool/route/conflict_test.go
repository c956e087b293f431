package route_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// A statement that stands in the way of a replica's replay is cancelled there. It is done again on another server if nothing
// of it was answered and it was no part of a transaction.
func TestARecoveryConflictGoesElsewhere(t *testing.T) {
	const port = `SELECT current_setting('port')::int FROM (SELECT count(*) FROM conflicted) AS all_rows
		WHERE NOT pg_is_in_recovery() OR pg_sleep(60) IS NOT NULL`
	c := ownCluster(t)
	mustExec(t, c.replicas[0], `ALTER SYSTEM SET max_standby_streaming_delay = 0`)
	mustExec(t, c.replicas[0], `SELECT pg_reload_conf()`)
	mustExec(t, c.primary, `CREATE TABLE conflicted (n int)`)
	forEachDriver(t, func(t *testing.T, name string) {
		l := c.openOn(t, name, route.Config{}, nil, c.primary.DSN("postgres"), c.replicas[0].DSN("postgres"))
		if err := l.router.Await(within(t), func(s route.Snapshot) bool { return s.Replicas[0].Fit }); err != nil {
			t.Fatal(err)
		}
		// conflict runs f, and has the primary remove rows that f's statement sees once that sleeps on the replica.
		conflict := func(f func(ctx context.Context) error) error {
			ctx := within(t)
			mustExec(t, c.primary, `INSERT INTO conflicted SELECT generate_series(1, 100)`)
			l.caughtUp(t)
			done := make(chan error, 1)
			go func() { done <- f(route.Replica(ctx)) }()
			observer, err := sqlpool.New(sqlpool.Config{Connector: must(t, connectors[name], c.replicas[0].DSN("postgres")), MaxConns: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer observer.Close()
			db := sqlpool.OpenDB(observer)
			for asleep := 0; asleep == 0; {
				if err := db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`).Scan(&asleep); err != nil {
					t.Fatal(err)
				}
			}
			mustExec(t, c.primary, `DELETE FROM conflicted`)
			mustExec(t, c.primary, `VACUUM conflicted`)
			return <-done
		}

		var got string
		if err := conflict(func(ctx context.Context) (err error) {
			got, err = l.whose(ctx, l.QueryRowContext(ctx, port))
			return err
		}); err != nil || got != "primary" {
			t.Errorf("by itself: on %q, %v", got, err)
		}

		st, err := l.PrepareContext(route.Replica(within(t)), port)
		if err != nil {
			t.Fatal(err)
		}
		if err := conflict(func(ctx context.Context) (err error) {
			got, err = l.whose(ctx, st.QueryRowContext(ctx))
			return err
		}); err != nil || got != "primary" {
			t.Errorf("prepared: on %q, %v", got, err)
		}

		if err := conflict(func(ctx context.Context) error {
			tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				return err
			}
			defer tx.Rollback()
			got, err = l.whose(ctx, tx.QueryRowContext(ctx, port))
			return err
		}); err == nil || !strings.Contains(err.Error(), "conflict with recovery") {
			t.Errorf("in a transaction: on %q, %v", got, err)
		}

		answered := 0
		if err := conflict(func(ctx context.Context) error {
			rows, err := l.QueryContext(ctx, `SELECT repeat('x', 100000), CASE WHEN n = 2 THEN pg_sleep(60)::text END
				FROM generate_series(1, 2) AS n, (SELECT count(*) FROM conflicted) AS all_rows`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				answered++
			}
			return rows.Err()
		}); err == nil || !strings.Contains(err.Error(), "conflict with recovery") || answered != 1 {
			t.Errorf("after %d rows: %v", answered, err)
		}
		if held := l.router.Snapshot().Replicas[0].Load; held != 0 {
			t.Errorf("%d lends of the replica are open", held)
		}
	})
}

func must[T any](t *testing.T, f func(string) (T, error), arg string) T {
	t.Helper()
	v, err := f(arg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
