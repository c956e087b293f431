package resetter_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// onEach runs a test on one physical connection through each driver.
func onEach(t *testing.T, hooks sqlpool.Hooks, test func(*testing.T, *sqlpool.Pool, *sql.DB)) {
	t.Helper()
	for name, open := range map[string]func(string) (driver.Connector, error){
		"pgx": func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) },
		"pq":  func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			connector, err := open(pgserver.Database(t))
			if err != nil {
				t.Fatal(err)
			}
			pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 1, Hooks: []sqlpool.Hooks{hooks}})
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(pool)
			t.Cleanup(func() { db.Close() })
			test(t, pool, db)
		})
	}
}

// soil leaves everything behind that a session can.
func soil(t *testing.T, db *sql.DB) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, dirt := range []string{
		"CREATE SEQUENCE IF NOT EXISTS numbers",
		"SET statement_timeout = '7s'",
		"SET ROLE pg_monitor",
		"RESET ROLE",
		"CREATE TEMP TABLE mine (id int)",
		"SELECT pg_advisory_lock(42)",
		"LISTEN news",
		"SELECT nextval('numbers')",
		"DECLARE held CURSOR WITH HOLD FOR SELECT 1",
		"PREPARE mine AS SELECT 1",
		`PREPARE "it's ""mine" AS SELECT 2`,
		"SET ROLE pg_monitor",
	} {
		if _, err := conn.ExecContext(t.Context(), dirt); err != nil {
			t.Fatalf("%s: %v", dirt, err)
		}
	}
}

// remains says what the next borrower sees of it.
func remains(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	left := make(map[string]string)
	for what, query := range map[string]string{
		"timeout":  "SHOW statement_timeout",
		"role":     "SELECT current_user = session_user",
		"table":    "SELECT to_regclass('pg_temp.mine') IS NULL",
		"lock":     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
		"listen":   "SELECT count(*) FROM pg_listening_channels()",
		"cursor":   "SELECT count(*) FROM pg_cursors WHERE name = 'held'",
		"prepared": "SELECT count(*) > 0 FROM pg_prepared_statements",
		"in SQL":   "SELECT count(*) FROM pg_prepared_statements WHERE from_sql",
	} {
		var s string
		if err := db.QueryRowContext(t.Context(), query).Scan(&s); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		left[what] = s
	}
	return left
}

func TestCleanLeavesNothingButPreparedStatements(t *testing.T) {
	onEach(t, resetter.Clean(), func(t *testing.T, pool *sqlpool.Pool, db *sql.DB) {
		stmt, err := db.PrepareContext(t.Context(), "SELECT $1::int")
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		soil(t, db)
		want := map[string]string{"timeout": "0", "role": "true", "table": "true", "lock": "0", "listen": "0", "cursor": "0", "prepared": "true", "in SQL": "0"}
		for what, got := range remains(t, db) {
			if got != want[what] {
				t.Errorf("%s: %q, want %q", what, got, want[what])
			}
		}
		if _, err := db.ExecContext(t.Context(), "SELECT currval('numbers')"); err == nil {
			t.Error("the sequence's value is left")
		}
		var n int
		if err := stmt.QueryRowContext(t.Context(), 7).Scan(&n); err != nil || n != 7 {
			t.Errorf("the prepared statement: %d, %v", n, err)
		}
		if s := pool.Stats(); s.DialCount != 1 {
			t.Errorf("%d dials: the connection was replaced, not cleaned", s.DialCount)
		}
	})
}

// What the program wants of every session holds for every borrower, wherever it says
// so: in the connection string, in the driver's connector or in a hook, and whether
// the hook stands before the reset or behind it.
func TestCleanKeepsWhatAfterConnectHasSet(t *testing.T) {
	setUp := sqlpool.Hooks{AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error {
		return c.Exec(ctx, "SET search_path = app, public; SET statement_timeout = '45s'; SELECT set_config('app.tenant', 'all', false); "+
			"CREATE TEMP TABLE mine (id int); LISTEN news; SELECT pg_advisory_lock_shared(7); PREPARE ours AS SELECT 1")
	}}
	for name, open := range map[string]func(string) (driver.Connector, error){
		"pgx": func(dsn string) (driver.Connector, error) {
			return pgxv5.Connector(dsn, pgxv5.AfterConnect(func(ctx context.Context, c *pgx.Conn) error {
				_, err := c.Exec(ctx, "SET lock_timeout = '3s'")
				return err
			}))
		},
		"pq": func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			server := pgserver.Shared(t)
			connector, err := open(server.Socket().KeyValue(server.NewDatabase(t)) + " application_name=ours")
			if err != nil {
				t.Fatal(err)
			}
			pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 1, Hooks: []sqlpool.Hooks{resetter.Clean(), setUp}})
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(pool)
			defer db.Close()
			want := "app, public 45s all true 1 1 ours true "
			if name == "pgx" {
				want += "3s"
			} else {
				want += "0"
			}
			for loan := range 3 {
				var got string
				if err := db.QueryRowContext(t.Context(), `SELECT concat_ws(' ', current_setting('search_path'), current_setting('statement_timeout'),
					current_setting('app.tenant', true), CASE WHEN to_regclass('pg_temp.mine') IS NULL THEN 'false' ELSE 'true' END,
					(SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
					current_setting('application_name'),
					CASE WHEN (SELECT count(*) FROM pg_prepared_statements WHERE from_sql AND name = 'ours') = 1 THEN 'true' ELSE 'false' END,
					current_setting('lock_timeout'))`).Scan(&got); err != nil {
					t.Fatal(err)
				}
				if got != want {
					t.Errorf("loan %d finds %q, want %q", loan, got, want)
				}
				if _, err := db.ExecContext(t.Context(), "SET search_path = pg_catalog; SET statement_timeout = 0; SET app.tenant = '5'; SET lock_timeout = '9s'; "+
					"SET application_name = 'x'; DROP TABLE pg_temp.mine; UNLISTEN *; SELECT pg_advisory_unlock_all(); DEALLOCATE ours; PREPARE other AS SELECT 1"); err != nil {
					t.Fatal(err)
				}
			}
			if s := pool.Stats(); s.DialCount != 1 {
				t.Errorf("%d dials: the connection was replaced, not cleaned", s.DialCount)
			}
		})
	}
}

func TestASetUpThatFailsAfterAResetRetiresTheConnection(t *testing.T) {
	var calls atomic.Int64
	reasons := make(chan error, 10)
	hooks := resetter.Clean()
	hooks.AfterConnect = func(context.Context, *sqlpool.Conn) error {
		if calls.Add(1) == 2 {
			return errors.New("cannot set up")
		}
		return nil
	}
	hooks.OnClose = func(e sqlpool.Closed) {
		if sqlpool.ReasonCode(e.Reason) != sqlpool.CodeShutdown {
			reasons <- e.Reason
		}
	}
	onEach(t, hooks, func(t *testing.T, _ *sqlpool.Pool, db *sql.DB) {
		calls.Store(0)
		if _, err := db.ExecContext(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		if reason := <-reasons; sqlpool.ReasonCode(reason) != resetter.CodeReset {
			t.Errorf("reason %v", reason)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRollbackLeavesTheRest(t *testing.T) {
	onEach(t, resetter.Rollback(), func(t *testing.T, pool *sqlpool.Pool, db *sql.DB) {
		if _, err := db.ExecContext(t.Context(), "SET statement_timeout = '7s'"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "BEGIN; CREATE TABLE unfinished (id int)"); err != nil {
			t.Fatal(err)
		}
		var timeout string
		if err := db.QueryRowContext(t.Context(), "SHOW statement_timeout").Scan(&timeout); err != nil || timeout != "7s" {
			t.Errorf("%q, %v", timeout, err)
		}
		var gone bool
		if err := db.QueryRowContext(t.Context(), "SELECT to_regclass('unfinished') IS NULL").Scan(&gone); err != nil || !gone {
			t.Errorf("lent inside a transaction: %v, %v", gone, err)
		}
		if s := pool.Stats(); s.DialCount != 1 {
			t.Errorf("%d dials, want the transaction to be rolled back", s.DialCount)
		}
	})
}

func TestAFailedResetRetiresTheConnection(t *testing.T) {
	reasons := make(chan error, 10)
	hooks := resetter.Func(func(context.Context, *sqlpool.Conn) error { return errors.New("cannot reset") })
	hooks.OnClose = func(e sqlpool.Closed) { reasons <- e.Reason }
	onEach(t, hooks, func(t *testing.T, _ *sqlpool.Pool, db *sql.DB) {
		if _, err := db.ExecContext(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		if reason := <-reasons; sqlpool.ReasonCode(reason) != resetter.CodeReset {
			t.Errorf("reason %v", reason)
		}
	})
}
