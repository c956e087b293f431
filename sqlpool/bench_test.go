package sqlpool_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func newPool(tb testing.TB, cfg sqlpool.Config) *sqlpool.Pool {
	tb.Helper()
	p, err := sqlpool.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// exec runs b.N no-op Execs from the given number of goroutines.
func exec(b *testing.B, db *sql.DB, goroutines int) {
	ctx := context.Background()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for g := range goroutines {
		n := b.N / goroutines
		if g < b.N%goroutines {
			n++
		}
		wg.Go(func() {
			for range n {
				if _, err := db.ExecContext(ctx, "noop"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkExec(b *testing.B) {
	for _, load := range []struct {
		name              string
		goroutines, conns int
	}{{"1on8", 1, 8}, {"64on8", 64, 8}} {
		b.Run(load.name+"/plain", func(b *testing.B) {
			db := sql.OpenDB(fakedb.Instant())
			defer db.Close()
			db.SetMaxOpenConns(load.conns)
			db.SetMaxIdleConns(load.conns)
			exec(b, db, load.goroutines)
		})
		b.Run(load.name+"/sqlpool", func(b *testing.B) {
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), MaxConns: load.conns})
			if err != nil {
				b.Fatal(err)
			}
			db := sqlpool.OpenDB(p)
			defer db.Close()
			exec(b, db, load.goroutines)
		})
	}
}

func BenchmarkAcquire(b *testing.B) {
	p := newPool(b, sqlpool.Config{Connector: fakedb.Instant(), MaxConns: 8})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		loan, err := p.Acquire(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := loan.Release(); err != nil {
			b.Fatal(err)
		}
	}
}
