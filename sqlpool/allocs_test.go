package sqlpool_test

import (
	"context"
	"database/sql"
	"runtime"
	"sync"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// instant returns a plain *sql.DB and one on a pool, with 8 connections each on
// a driver that allocates nothing.
func instant(t *testing.T) (plain, pooled *sql.DB) {
	plain = sql.OpenDB(fakedb.Instant())
	plain.SetMaxOpenConns(8)
	plain.SetMaxIdleConns(8)
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), MaxConns: 8})
	must(t, err)
	pooled = sqlpool.OpenDB(p)
	t.Cleanup(func() { must(t, plain.Close(), pooled.Close()) })
	return plain, pooled
}

func TestThePoolAllocatesNoMoreThanPlainDatabaseSQL(t *testing.T) {
	plain, pooled := instant(t)
	ctx := context.Background()
	for name, verb := range map[string]func(*sql.DB) func() error{
		"exec": func(db *sql.DB) func() error {
			return func() error { _, err := db.ExecContext(ctx, "noop"); return err }
		},
		"args": func(db *sql.DB) func() error {
			return func() error { _, err := db.ExecContext(ctx, "noop", true); return err }
		},
		"query": func(db *sql.DB) func() error { return func() error { return ask(db.QueryContext(ctx, "SELECT 1")) } },
		"ping":  func(db *sql.DB) func() error { return func() error { return db.PingContext(ctx) } },
		"prepared": func(db *sql.DB) func() error {
			stmt, err := db.PrepareContext(ctx, "SELECT 1")
			must(t, err)
			t.Cleanup(func() { stmt.Close() })
			return func() error { _, err := stmt.ExecContext(ctx); return err }
		},
		"transaction": func(db *sql.DB) func() error {
			return func() error {
				tx, err := db.BeginTx(ctx, nil)
				must(t, err)
				return tx.Commit()
			}
		},
	} {
		count := func(db *sql.DB) float64 {
			do := verb(db)
			return testing.AllocsPerRun(1000, func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
		}
		want, got := count(plain), count(pooled)
		t.Logf("%s: plain %v, pooled %v", name, want, got)
		if name == "transaction" {
			want += 2 // what the pool knows of it; and database/sql starts a goroutine, which may be a new one
		}
		if got > want {
			t.Errorf("%s: %v allocations, plain %v", name, got, want)
		}
	}
}

func TestContentionDoesNotMakeThePoolAllocate(t *testing.T) {
	const operations = 100_000
	per := func(db *sql.DB) float64 {
		contend(t, db, operations/5) // sessions and waiters come into being
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		contend(t, db, operations)
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / operations
	}
	plain, pooled := instant(t)
	want, got := per(plain), per(pooled)
	t.Logf("64 goroutines on 8 connections: plain %.2f, pooled %.2f per operation", want, got)
	if got > 1.1 { // one is database/sql's own
		t.Errorf("%.2f allocations per operation", got)
	}
}

func contend(t *testing.T, db *sql.DB, operations int) {
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range operations / 64 {
				if _, err := db.ExecContext(context.Background(), "noop"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
