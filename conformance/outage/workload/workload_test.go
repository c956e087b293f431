package workload

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// limited bounds a test: far above what it takes.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// pooled opens a pool of 4 connections on either driver.
func pooled(t *testing.T, dsn, kind string, hooks ...sqlpool.Hooks) *sql.DB {
	t.Helper()
	var connector driver.Connector
	var err error
	if kind == "pgx" {
		connector, err = pgxv5.Connector(dsn)
	} else {
		connector, err = libpq.Connector(dsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 4, Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func create(t *testing.T, db *sql.DB, schema string, accounts int) *Bank {
	t.Helper()
	b, err := Create(limited(t), db, schema, accounts)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// work runs so many operations.
func work(ctx context.Context, t *testing.T, b *Bank, db *sql.DB, operations int) *Run {
	t.Helper()
	r, err := b.Start(ctx, db, Load{Goroutines: 8, Operations: operations, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.Wait()
	return r
}

// failed audits the run and returns the failed checks' names and details.
func failed(t *testing.T, r *Run, db *sql.DB) (names, details string) {
	t.Helper()
	_, checks, err := r.Audit(limited(t), db)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.Status != OK {
			names += c.ID + " "
			details += c.Detail + "\n"
		}
	}
	return strings.TrimSpace(names), details
}

func TestARunKeepsTheBooks(t *testing.T) {
	for _, kind := range []string{"pgx", "pq"} {
		t.Run(kind, func(t *testing.T) {
			db := pooled(t, pgserver.Database(t), kind)
			b := create(t, db, "a run", 20) // poor and few: refusals and waits for locks
			r := work(limited(t), t, b, db, 3000)
			if names, details := failed(t, r, db); names != "" {
				t.Errorf("%s failed:\n%s", names, details)
			}
			c := r.Counts()
			for what, n := range map[string]int64{
				"transfers": c.Transfers, "refused": c.Refused, "reads": c.Reads, "audits": c.Audits,
				"cancelled": c.Cancelled, "statements": c.Statements,
			} {
				if n == 0 {
					t.Errorf("no %s", what)
				}
			}
			if ops := c.Transfers + c.Refused + c.Reads + c.Audits + c.Cancelled; ops != 3000 {
				t.Errorf("%d operations are accounted for: %+v", ops, c)
			}
			if err := b.Drop(limited(t), db); err != nil {
				t.Error(err)
			}
			var left int
			err := db.QueryRow("SELECT count(*) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'").Scan(&left)
			if err != nil || left != 0 {
				t.Errorf("%d schemas are left (%v)", left, err)
			}
		})
	}
}

// A run whose context ends stops in the middle of everything, and nothing of that is trouble.
func TestACancelledRunKeepsTheBooks(t *testing.T) {
	ctx, cancel := context.WithCancel(limited(t))
	var started atomic.Pointer[Run]
	db := pooled(t, pgserver.Database(t), "pgx", sqlpool.Hooks{OnRelease: func(sqlpool.Released) {
		if r := started.Load(); r != nil && r.Counts().Transfers >= 20 {
			cancel()
		}
	}})
	b := create(t, db, "bank", 50)
	r, err := b.Start(ctx, db, Load{Goroutines: 8, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	started.Store(r)
	r.Wait()
	if c := r.Counts(); c.Transfers < 20 || c.Transfers > 2000 {
		t.Errorf("not in the middle of it: %+v", c)
	}
	if names, details := failed(t, r, db); names != "" {
		t.Errorf("%s failed:\n%s", names, details)
	}
	if took := r.Took(); took > time.Minute || r.Took() != took { // it stands still
		t.Errorf("took %v", took)
	}
}

func TestPlanned(t *testing.T) {
	alive, dead := context.Background(), func() context.Context {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}()
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want bool
	}{
		{dead, context.Canceled, true},
		{dead, errors.Join(errors.New("driver"), context.DeadlineExceeded), true},
		{dead, sql.ErrTxDone, true},
		{dead, stateError("57014"), true},
		{dead, stateError("57P01"), false},
		{dead, driver.ErrBadConn, false},
		{dead, errors.Join(driver.ErrBadConn, context.Canceled), false},
		{dead, errors.New("something else"), false},
		{alive, context.Canceled, false},
		{alive, stateError("57014"), false},
	} {
		err := planned(test.ctx, test.err)
		if got := errors.As(err, new(*plannedError)); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%v under %v: %v, %v", test.err, test.ctx, got, err)
		}
	}
	if planned(dead, nil) != nil {
		t.Error("no error became one")
	}
}

type stateError string

func (e stateError) Error() string    { return "state " + string(e) }
func (e stateError) SQLState() string { return string(e) }

func TestAMixIsAThousand(t *testing.T) {
	for name, m := range map[string]mix{"usual": usual, "faulted": faulted} {
		sum := 0
		for _, op := range m {
			sum += op.weight
		}
		if sum != 1000 {
			t.Errorf("the weights of %s add up to %d", name, sum)
		}
	}
}
