//go:build unix

package workload

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
)

// faults are injected into statements, connections and the server.
type faults struct {
	server *pgserver.Server
	tap    *tap.Tap

	mu         sync.Mutex
	rng        *rand.Rand // of the statements' faults
	statements int
	broken     map[string]int
	events     map[string]int
	last       string
}

func newFaults(server *pgserver.Server, t *tap.Tap, rng *rand.Rand) *faults {
	return &faults{server: server, tap: t, rng: rng, broken: map[string]int{}, events: map[string]int{}, last: "none"}
}

// fault chooses for each statement; one in three has a fault. A silence costs its
// caller the whole deadline, so there are fewer of them.
func (f *faults) fault(string) tap.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statements++
	if f.rng.IntN(3) > 0 {
		return tap.Forward
	}
	breaks := tap.Breaks()
	fault := breaks[f.rng.IntN(len(breaks))]
	if fault == tap.Silence && f.rng.IntN(20) > 0 {
		fault = tap.LoseReply
	}
	f.broken[fault.String()]++
	return fault
}

// event is something that happens to all writers at once. It returns when it is
// over.
type event struct {
	name   string
	happen func(ctx context.Context, f *faults) error
}

var events = []event{
	{"restart", func(ctx context.Context, f *faults) error { return f.server.Restart(ctx, pgserver.Immediate) }},
	{"fast restart", func(ctx context.Context, f *faults) error { return f.server.Restart(ctx, pgserver.Fast) }},
	{"all backends killed", func(ctx context.Context, f *faults) error {
		for f.server.KillAllBackends(ctx) != nil { // one of them has ended by itself, since it was listed
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return f.server.WaitReady(ctx)
	}},
	{"postmaster killed", func(ctx context.Context, f *faults) error {
		if err := f.server.KillPostmaster(); err != nil {
			return err
		}
		return f.server.Start(ctx)
	}},
	{"sessions terminated", func(ctx context.Context, f *faults) error {
		_, err := f.server.Terminate(ctx, pgserver.Filter{Application: application})
		return err
	}},
	{"stopped", func(ctx context.Context, f *faults) error {
		if err := f.server.Pause(); err != nil {
			return err
		}
		pass(ctx, 700*time.Millisecond)
		return f.server.Resume()
	}},
	{"reset", func(_ context.Context, f *faults) error {
		f.tap.Reset()
		return nil
	}},
	{"black hole", func(ctx context.Context, f *faults) error {
		f.tap.Darken()
		pass(ctx, time.Second)
		f.tap.Lighten()
		return nil
	}},
}

// inject causes one event after the other, with pauses in between, until ctx ends.
func (f *faults) inject(ctx, bounded context.Context, rng *rand.Rand) error {
	for {
		pass(ctx, time.Duration(500+rng.IntN(2500))*time.Millisecond)
		if ctx.Err() != nil {
			return nil
		}
		e := events[rng.IntN(len(events))]
		// An event that has begun is finished: the audit needs a server.
		if err := e.happen(bounded, f); err != nil {
			return err
		}
		f.mu.Lock()
		f.events[e.name]++
		f.last = e.name
		f.mu.Unlock()
	}
}

// tell copies the counts: a connection of the pool may still be closing.
func (f *faults) tell(r *Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Statements, r.Faults, r.Events = f.statements, maps.Clone(f.broken), maps.Clone(f.events)
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
