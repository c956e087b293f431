package bench

import (
	"context"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"
)

// Options say how much is measured. The zero value is a full run.
type Options struct {
	Rounds int            // of each comparison. Default 7, or 3 when short
	Scale  float64        // of the stretches' lengths. Default 1, or 0.1 when short
	Short  bool           // see that everything works
	Only   *regexp.Regexp // only workloads whose names match

	// Of the server's workload, only cells and contenders that match: for
	// profiles, and a look at one thing.
	Cells, Contenders *regexp.Regexp

	// Busy is how many goroutines of this process do other work meanwhile, without
	// ever waiting.
	Busy int

	// Progress is told how far the run has come, from 0 to 1. It may be nil.
	Progress func(workload string, done float64)
}

// workload is one thing that is measured. Its cost is its share of a full run,
// in seconds on two cores.
type workload struct {
	name string
	cost float64
	run  func(context.Context, *lab) error
}

// workloads are run in this order: first what needs a quiet process.
var workloads = []workload{
	{"footprint", 14, footprint},
	{"allocations", 2, allocations},
	{"loans", 46, loans},
	{"waiting", 30, waiting},
	{"no-op", 40, noop},
	{"reading", 8, reading},
	{"conn", 11, connAndClose},
	{"start and stop", 12, startAndStop},
	{"burst", 18, burst},
	{"spike", 20, spike},
	{"prepares", 4, prepares},
	{"cancels", 10, cancels},
	{"restart", 8, restart},
	{tripsName, 3, roundTrips},
	{captureName, 18, capture},
	{"wait and use", 8, shares},
	{"server", 500, server},
}

// Run measures. The report holds what was found until an error ended the run.
func Run(ctx context.Context, o Options) (*Report, error) {
	l := &lab{Options: o.withDefaults()}
	l.report = newReport(l.Options)
	defer l.occupy()()
	begun := time.Now()
	var picked []workload
	for _, w := range workloads {
		if o.Only == nil || o.Only.MatchString(w.name) {
			picked = append(picked, w)
			l.total += w.cost
		}
	}
	var err error
	for _, w := range picked {
		l.now, l.stepped, l.steps = w, 0, 0
		l.tell(0)
		if err = w.run(ctx, l); err != nil {
			err = fmt.Errorf("%s: %w", w.name, err)
			break
		}
		l.done += w.cost
	}
	if l.server != nil {
		if closing := l.server.Close(); err == nil {
			err = closing
		}
	}
	l.report.Took = time.Since(begun)
	return l.report, err
}

// occupy begins the other work.
func (o Options) occupy() (stop func()) {
	var over atomic.Bool
	for range o.Busy {
		go func() {
			for !over.Load() {
			}
		}()
	}
	return func() { over.Store(true) }
}

func (o Options) withDefaults() Options {
	if o.Rounds == 0 {
		o.Rounds = 7
		if o.Short {
			o.Rounds = 3
		}
	}
	if o.Scale == 0 {
		o.Scale = 1
		if o.Short {
			o.Scale = 0.1
		}
	}
	return o
}
