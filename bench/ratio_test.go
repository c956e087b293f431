package bench

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// rounds is how often the two contenders take turns. It is odd, so that the
// median is one of the ratios.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("SQLPOOL_BENCH_ROUNDS")); err == nil && n > 0 {
		return n | 1
	}
	return 15
}

// compare runs ours and theirs in turn, n operations each time, and reports
// the median of the time ratios, the middle half of them, and ours in
// nanoseconds per operation.
func compare(b *testing.B, n int, ours, theirs func(n int)) {
	b.Helper()
	ours(n / 10)
	theirs(n / 10)
	for b.Loop() {
		var ratios, times []float64
		for i := range rounds() {
			// Who goes first takes turns as well.
			var a, t time.Duration
			if i%2 == 0 {
				a, t = timed(n, ours), timed(n, theirs)
			} else {
				t, a = timed(n, theirs), timed(n, ours)
			}
			ratios = append(ratios, float64(a)/float64(t))
			times = append(times, float64(a)/float64(n))
		}
		b.ReportMetric(quantile(ratios, 0.5), "x")
		b.ReportMetric(quantile(ratios, 0.25), "x-q1")
		b.ReportMetric(quantile(ratios, 0.75), "x-q3")
		b.ReportMetric(quantile(times, 0.5), "ns/own-op")
	}
	b.ReportMetric(0, "ns/op") // of a whole comparison: says nothing
}

func timed(n int, f func(int)) time.Duration {
	start := time.Now()
	f(n)
	return time.Since(start)
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// spread runs n operations from a number of goroutines.
func spread(goroutines int, op func()) func(n int) {
	return func(n int) {
		if goroutines == 1 {
			for range n {
				op()
			}
			return
		}
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range n / goroutines {
					op()
				}
			})
		}
		wg.Wait()
	}
}
