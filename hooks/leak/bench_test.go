//go:build unix

package leak_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// What capture costs: the throughput of SELECT 1 over a unix socket with
// Capture Always, as a multiple of that without a detector (the bar is 0.97).
// The two take turns of a few milliseconds each, so that both see the same
// machine; reported are the median and the middle half of the ratios.
//
//	go test -run '^$' -bench Capture -benchtime 1x ./hooks/leak
func BenchmarkCaptureAlways(b *testing.B) {
	server := pgserver.Shared(b)
	dsn := server.Socket().URL(server.NewDatabase(b))
	for _, load := range []struct {
		name             string
		callers, selects int // a turn's
	}{{"1on1", 1, 40}, {"8on4", 8, 160}} {
		b.Run(load.name, func(b *testing.B) {
			without := openOn(b, dsn)
			with := openOn(b, dsn, leak.New(leak.Config{}).Hooks())
			selectOnes(b, without, load.callers, 1000)
			selectOnes(b, with, load.callers, 1000)
			const rounds = 1001
			var ratios, times []float64
			for b.Loop() {
				for i := range rounds {
					var a, z time.Duration
					if i%2 == 0 { // who goes first takes turns as well
						a, z = selectOnes(b, with, load.callers, load.selects), selectOnes(b, without, load.callers, load.selects)
					} else {
						z, a = selectOnes(b, without, load.callers, load.selects), selectOnes(b, with, load.callers, load.selects)
					}
					ratios = append(ratios, float64(z)/float64(a))
					times = append(times, float64(a)/float64(load.selects))
				}
			}
			slices.Sort(ratios)
			slices.Sort(times)
			b.ReportMetric(ratios[len(ratios)/2], "x-throughput")
			b.ReportMetric(ratios[len(ratios)/4], "x-q1")
			b.ReportMetric(ratios[len(ratios)*3/4], "x-q3")
			b.ReportMetric(times[len(times)/2], "ns/select")
			b.ReportMetric(0, "ns/op") // of a whole comparison: says nothing
		})
	}
}

func openOn(b *testing.B, dsn string, hooks ...sqlpool.Hooks) *sql.DB {
	connector, err := pgxv5.Connector(dsn)
	if err != nil {
		b.Fatal(err)
	}
	p, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 4, Hooks: hooks})
	if err != nil {
		b.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	b.Cleanup(func() { db.Close() })
	return db
}

// selectOnes returns how long n SELECTs by some callers took.
func selectOnes(b *testing.B, db *sql.DB, callers, n int) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range n / callers {
				var one int
				if err := db.QueryRowContext(context.Background(), "SELECT 1").Scan(&one); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}
