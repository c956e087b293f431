package pgxv5

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/internal/pgserver"
)

// patient is a grace in which a server on a busy machine answers too.
const patient = 10 * time.Second

// A statement that its context ends costs no connection where the server answers
// the cancel request, and its error is the one that pgx has.
func TestACutStatementKeepsItsConnection(t *testing.T) {
	dsn := pgserver.Database(t)
	connector, err := Connector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	type querier interface {
		ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error)
		QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error)
		PrepareContext(context.Context, string) (driver.Stmt, error)
	}
	calls := map[string]func(context.Context, querier) error{
		"Exec": func(ctx context.Context, c querier) error {
			_, err := c.ExecContext(ctx, "SELECT pg_sleep(60)", nil)
			return err
		},
		"Exec with an argument": func(ctx context.Context, c querier) error {
			_, err := c.ExecContext(ctx, "SELECT pg_sleep($1)", []driver.NamedValue{{Ordinal: 1, Value: 60.0}})
			return err
		},
		"Query": func(ctx context.Context, c querier) error {
			_, err := c.QueryContext(ctx, "SELECT pg_sleep(60)", nil)
			return err
		},
		"a statement": func(ctx context.Context, c querier) error {
			s, err := c.PrepareContext(context.Background(), "SELECT pg_sleep(60)")
			if err != nil {
				return err
			}
			_, err = s.(driver.StmtQueryContext).QueryContext(ctx, nil)
			return err
		},
	}
	for name, call := range calls {
		for _, deadline := range []bool{true, false} {
			run := func(c querier) error {
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
				defer cancel()
				if !deadline {
					ctx, cancel = context.WithCancel(context.Background())
					defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
				}
				return call(ctx, c)
			}
			ours, err := connector.Connect(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			plain, err := stdlib.GetDefaultDriver().Open(dsn)
			if err != nil {
				t.Fatal(err)
			}
			ours.(*conn).cancel.grace = patient
			got, want := run(ours.(*conn)), run(plain.(*stdlib.Conn))
			if got == nil || want == nil || got.Error() != want.Error() || pgconn.Timeout(got) != pgconn.Timeout(want) ||
				errors.Is(got, context.DeadlineExceeded) != errors.Is(want, context.DeadlineExceeded) ||
				errors.Is(got, context.Canceled) != errors.Is(want, context.Canceled) || pgconn.SafeToRetry(got) {
				t.Errorf("%s, deadline %v: %v (%T), pgx says: %v (%T)", name, deadline, got, got, want, want)
			}
			if c := ours.(*conn); !c.IsValid() {
				t.Errorf("%s, deadline %v: the connection is gone", name, deadline)
			} else if _, err := c.ExecContext(context.Background(), "SELECT pg_sleep(0.1)", nil); err != nil {
				t.Errorf("%s, deadline %v: the next statement: %v", name, deadline, err)
			}
			ours.Close()
			plain.Close()
		}
	}
}

func TestACutStatementEndsItsTransaction(t *testing.T) {
	connector, err := Connector(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	pid := func() (n int) {
		if err := db.QueryRow("SELECT pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pid()
	held, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_ = held.Raw(func(c any) error { c.(*conn).cancel.grace = patient; return nil })
	held.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := tx.ExecContext(ctx, "SELECT pg_sleep(60)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the statement: %v", err)
	}
	if _, err := tx.Exec("SELECT 1"); err == nil {
		t.Error("the transaction goes on after a statement that failed")
	}
	if err := tx.Commit(); err == nil {
		t.Error("the transaction was committed")
	}
	if pid() != before {
		t.Error("the connection was replaced")
	}
}

// What the adapter does by itself is bound by the same rule.
func TestALateCancelOfTheAdaptersOwnHitsNobodyElse(t *testing.T) {
	dsn := pgserver.Database(t)
	network := contract.NewLateNetwork()
	connector, err := Connector(dsn, WithDialFunc(network.DialContext))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	near, err := Connector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	blocker, err := near.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	contract.LateCancel(t, network, blocker.(*conn), func(ctx context.Context, lock int) error {
		_, err := db.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock)
		return err
	})
}
