//go:build unix

package ledger

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
)

// weather is what happens to statements, connections and the server.
type weather struct {
	server *pgserver.Server
	tap    *tap.Tap

	mu         sync.Mutex
	rng        *rand.Rand // of the statements' fates
	statements int
	faults     map[string]int
	events     map[string]int
	last       string
}

func newWeather(server *pgserver.Server, t *tap.Tap, rng *rand.Rand) *weather {
	return &weather{server: server, tap: t, rng: rng, faults: map[string]int{}, events: map[string]int{}, last: "none"}
}

// fate decides for each statement, whatever it is: one in three is faulted. A
// silence costs its caller the whole deadline, so there are fewer of them.
func (w *weather) fate(string) tap.Fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements++
	if w.rng.IntN(3) > 0 {
		return tap.Forward
	}
	breaks := tap.Breaks()
	fate := breaks[w.rng.IntN(len(breaks))]
	if fate == tap.Silence && w.rng.IntN(20) > 0 {
		fate = tap.LoseReply
	}
	w.faults[fate.String()]++
	return fate
}

// event is something that happens to everybody at once. It returns when it is
// over.
type event struct {
	name   string
	happen func(ctx context.Context, w *weather) error
}

var events = []event{
	{"restart", func(ctx context.Context, w *weather) error { return w.server.Restart(ctx, pgserver.Immediate) }},
	{"fast restart", func(ctx context.Context, w *weather) error { return w.server.Restart(ctx, pgserver.Fast) }},
	{"all backends killed", func(ctx context.Context, w *weather) error {
		for w.server.KillAllBackends(ctx) != nil { // one of them has ended by itself, since it was listed
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return w.server.WaitReady(ctx)
	}},
	{"postmaster killed", func(ctx context.Context, w *weather) error {
		if err := w.server.KillPostmaster(); err != nil {
			return err
		}
		return w.server.Start(ctx)
	}},
	{"sessions terminated", func(ctx context.Context, w *weather) error {
		_, err := w.server.Terminate(ctx, pgserver.Filter{Application: application})
		return err
	}},
	{"stopped", func(ctx context.Context, w *weather) error {
		if err := w.server.Pause(); err != nil {
			return err
		}
		pass(ctx, 700*time.Millisecond)
		return w.server.Resume()
	}},
	{"reset", func(_ context.Context, w *weather) error {
		w.tap.Reset()
		return nil
	}},
	{"black hole", func(ctx context.Context, w *weather) error {
		w.tap.Darken()
		pass(ctx, time.Second)
		w.tap.Lighten()
		return nil
	}},
}

// rage has one event after the other happen, with quiet in between, until ctx
// ends.
func (w *weather) rage(ctx, bounded context.Context, rng *rand.Rand) error {
	for {
		pass(ctx, time.Duration(500+rng.IntN(2500))*time.Millisecond)
		if ctx.Err() != nil {
			return nil
		}
		e := events[rng.IntN(len(events))]
		// Once begun, an event is ended: the audit needs a server.
		if err := e.happen(bounded, w); err != nil {
			return err
		}
		w.mu.Lock()
		w.events[e.name]++
		w.last = e.name
		w.mu.Unlock()
	}
}

// tell copies the counts: a connection of the pool may still be saying goodbye.
func (w *weather) tell(r *Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Statements, r.Faults, r.Events = w.statements, maps.Clone(w.faults), maps.Clone(w.events)
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
