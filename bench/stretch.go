package bench

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sample is what one stretch of one contender showed.
type sample map[measure]float64

// measure is what a number is of, with its unit.
type measure string

const (
	perOp      measure = "time per operation" // ns, of the wall
	throughput measure = "throughput"         // operations a second
	cpuPerOp   measure = "client CPU"         // ns per operation, of this process
	p50        measure = "p50"                // ms
	p90        measure = "p90"                // ms
	p99        measure = "p99"                // ms
	slowest    measure = "slowest"            // ms
	tail       measure = "p99/p50"            // within one contender
)

// higherIsBetter says which way a measure is good.
func (m measure) higherIsBetter() bool { return m == throughput }

// load says how a stretch works.
type load struct {
	goroutines int
	length     time.Duration
	batch      int // operations between two looks at the time; 1 also times each operation
}

// stretch has all goroutines do something again and again until its time is
// over. do is told the goroutine and the how-manieth operation of it this is.
func stretch(ctx context.Context, l load, do func(ctx context.Context, goroutine, n int) error) (sample, error) {
	// For a context that can end database/sql starts a goroutine with each query,
	// which costs more than any pool does and wakes processors that the server
	// needs: ratios to it would say less of the pools.
	endless := context.WithoutCancel(ctx)
	// No contender pays for the garbage of another.
	runtime.GC()
	var (
		over   atomic.Bool
		failed atomic.Pointer[error]
		start  = make(chan struct{})
		took   = make([][]time.Duration, l.goroutines)
		counts = make([]int, l.goroutines)
		work   sync.WaitGroup
	)
	for g := range l.goroutines {
		work.Go(func() {
			<-start
			n := 0
			for first := true; first || !over.Load(); n += l.batch { // once at least, on a machine that is busy elsewhere
				first = false
				begun := time.Time{}
				if l.batch == 1 {
					begun = time.Now()
				}
				for i := range l.batch {
					if err := do(endless, g, n+i); err != nil {
						failed.CompareAndSwap(nil, &err)
						over.Store(true)
						return
					}
				}
				if l.batch == 1 {
					took[g] = append(took[g], time.Since(begun))
				}
			}
			counts[g] = n
		})
	}
	cpu, begun := processorTime(), time.Now()
	timer := time.AfterFunc(l.length, func() { over.Store(true) })
	defer timer.Stop()
	close(start)
	work.Wait()
	elapsed, used := time.Since(begun), processorTime()-cpu
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ops := 0
	for _, n := range counts {
		ops += n
	}
	s := sample{
		perOp:      float64(elapsed) / float64(ops),
		throughput: float64(ops) / elapsed.Seconds(),
		cpuPerOp:   float64(used) / float64(ops),
	}
	s.addLatencies(slices.Concat(took...))
	return s, nil
}

// addLatencies adds the percentiles of durations, if there are any.
func (s sample) addLatencies(all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(q float64) float64 {
		i := min(int(q*float64(len(all))), len(all)-1)
		return float64(all[i]) / float64(time.Millisecond)
	}
	s[p50], s[p90], s[p99], s[slowest] = at(0.5), at(0.9), at(0.99), at(1)
	s[tail] = s[p99] / s[p50]
}

// processorTime is what this process has used of the processors. The server is
// another process.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
