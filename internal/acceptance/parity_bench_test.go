package acceptance

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// The figures of internal/docs/parity.md that need a real server.
//
//	go test -run '^$' -bench Parity -benchtime 20x ./internal/acceptance
func BenchmarkParity(b *testing.B) {
	server := pgserver.Shared(b)
	dsn := server.TCP().URL(server.NewDatabase(b))
	open := func(cfg sqlpool.Config) *sqlpool.Pool {
		connector, err := pgxv5.Connector(dsn)
		if err != nil {
			b.Fatal(err)
		}
		cfg.Connector = connector
		p, err := sqlpool.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	ctx := context.Background()

	// From New to two connections that are open and validated, and from Close
	// to nothing left.
	b.Run("warm2", func(b *testing.B) {
		var warm, shut []time.Duration
		for b.Loop() {
			start := time.Now()
			p := open(sqlpool.Config{MinIdle: 2, MaxConns: 10})
			if err := p.Warm(ctx); err != nil {
				b.Fatal(err)
			}
			warm = append(warm, time.Since(start))
			start = time.Now()
			if err := p.Close(); err != nil {
				b.Fatal(err)
			}
			shut = append(shut, time.Since(start))
		}
		report(b, "warm", warm)
		report(b, "close", shut)
	})

	// 100 callers at once on 10 warm connections, one SELECT 1 each.
	b.Run("burst100", func(b *testing.B) {
		p := open(sqlpool.Config{MinIdle: 10, MaxConns: 10})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		if err := p.Warm(ctx); err != nil {
			b.Fatal(err)
		}
		var took []time.Duration
		var mu sync.Mutex
		for b.Loop() {
			var callers sync.WaitGroup
			for range 100 {
				callers.Go(func() {
					start := time.Now()
					var one int
					if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
						b.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					took = append(took, time.Since(start))
				})
			}
			callers.Wait()
		}
		report(b, "request", took)
		s := p.Stats()
		b.ReportMetric(float64(s.WaitTime.Microseconds())/float64(max(s.WaitCount, 1)), "µs-wait-mean")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-process")
	})
}

func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-"+what+"-p50")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "µs-"+what+"-p95")
	b.ReportMetric(0, "ns/op")
}
