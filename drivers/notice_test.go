package drivers

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

// TestAHandlerThatDoesNotReturnCostsItsConnection: a notice handler that panics or
// ends its goroutine leaves the connection in the middle of an answer, which would be
// the next caller's.
func TestAHandlerThatDoesNotReturnCostsItsConnection(t *testing.T) {
	dsn := pgserver.Database(t)
	var leave func()
	handlers := map[string]Option{
		PGX: PGXOptions(pgxv5.WithNoticeHandler(func(*pgconn.PgConn, *pgconn.Notice) { leave() })),
		PQ:  PQOptions(libpq.WithNoticeHandler(func(*pq.Error) { leave() })),
	}
	calls := map[string]func(context.Context, *sql.Conn) error{
		"Exec": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "SELECT shout(1)")
			return err
		},
		"a statement": func(ctx context.Context, c *sql.Conn) error {
			stmt, err := c.PrepareContext(ctx, "SELECT shout($1)")
			if err != nil {
				return err
			}
			_, err = stmt.ExecContext(ctx, 1)
			return err
		},
		"rows": func(ctx context.Context, c *sql.Conn) error {
			rows, err := c.QueryContext(ctx, "SELECT CASE i WHEN 900 THEN shout(i) ELSE i END FROM generate_series(1, 1000) i")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Err()
		},
		"Commit": func(ctx context.Context, c *sql.Conn) error {
			tx, err := c.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO late VALUES (1)"); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
	for name, handler := range handlers {
		h, err := Open(name, dsn, Setting("pool_max_conns", 20), Setting("pool_acquire_timeout", 10*time.Second), Setting("pool_shutdown_timeout", time.Second), handler)
		if err != nil {
			t.Fatal(err)
		}
		defer h.DB.Close()
		for _, query := range []string{
			"CREATE OR REPLACE FUNCTION shout(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'loud'; RETURN i; END $$",
			"CREATE OR REPLACE FUNCTION shouts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'loud'; RETURN NULL; END $$",
			"DROP TABLE IF EXISTS late", "CREATE TABLE late (i int)",
			"CREATE CONSTRAINT TRIGGER shouting AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shouts()",
		} {
			leave = func() {}
			if _, err := h.DB.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		for way, end := range map[string]func(){"panic": func() { panic("loud") }, "Goexit": runtime.Goexit} {
			for what, call := range calls {
				t.Run(fmt.Sprint(name, " ", what, " ", way), func(t *testing.T) {
					conn, err := h.DB.Conn(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					var before int
					if err := conn.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&before); err != nil {
						t.Fatal(err)
					}
					leave = end
					left := make(chan bool)
					go func() {
						ended := false
						defer func() {
							_ = recover()
							left <- !ended
						}()
						if err := call(t.Context(), conn); err != nil {
							t.Error(err)
						}
						ended = true
					}()
					if !<-left {
						t.Fatal("the handler was not called")
					}
					leave = func() {}
					go conn.Close() // waits where the rows were never closed
					for range 4 {
						var answer, pid int
						if err := h.DB.QueryRowContext(t.Context(), "SELECT 42, pg_backend_pid()").Scan(&answer, &pid); err != nil || answer != 42 {
							t.Errorf("the next caller reads %d, %v", answer, err)
						}
						if pid == before {
							t.Error("the connection was lent again")
						}
					}
				})
			}
		}
	}
}
