//go:build unix

package outage

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// With the circuit open, an acquire fails at once and says why.
func TestAnOpenCircuitFailsAtOnce(t *testing.T) {
	down := make(chan struct{}, 1)
	cfg := sqlpool.Config{
		FailFastAfter: 100 * time.Millisecond,
		Hooks: []sqlpool.Hooks{{OnState: func(e sqlpool.StateChanged) {
			if e.To == sqlpool.StateDown {
				down <- struct{}{}
			}
		}}},
	}
	onEach(t, pgserver.Options{}, nil, cfg, func(l *lab) {
		l.fill()
		l.must(l.scene.Server.Stop(l.ctx(), pgserver.Fast))
		for open := false; !open; {
			select {
			case <-down:
				open = true
			default:
				if _, err := l.pool.Acquire(l.ctx()); err == nil {
					l.Fatal("an acquire was served by a server that is down")
				}
			}
		}
		var worst time.Duration
		slow := 0
		const acquires = 1000
		for range acquires {
			start := time.Now()
			_, err := l.pool.Acquire(l.ctx())
			took := time.Since(start)
			worst = max(worst, took)
			if took > time.Millisecond {
				slow++
			}
			var refused *sqlpool.AcquireError
			if !errors.Is(err, sqlpool.ErrUnavailable) || !errors.As(err, &refused) || refused.Dial == nil {
				l.Fatalf("%v, want ErrUnavailable with the last dial's error", err)
			}
		}
		l.Logf("%d of %d took more than 1 ms, the longest %v", slow, acquires, worst)
		if slow > acquires/100 {
			l.misses.add("%d of %d acquires took more than 1 ms", slow, acquires)
		}
	})
}

// Callers that give up are no evidence against the server, and the pool is as
// healthy as before.
func TestRandomCancelsChangeNothing(t *testing.T) {
	for _, a := range adapters {
		t.Run(a.driver, func(t *testing.T) {
			var changes atomic.Int32
			monitor := health.New(health.Config{OnChange: func(_, to health.Status) {
				if to.State != health.Healthy {
					changes.Add(1)
				}
			}})
			l := newLab(t, newScene(t, pgserver.Options{}, nil), &misses{}, a.driver, a.open,
				sqlpool.Config{Hooks: []sqlpool.Hooks{monitor.Hooks()}})
			l.fill()
			changes.Store(0)
			for i := range 50 {
				cancelled(l, time.Duration(i*i)*40*time.Microsecond)
			}
			if s := l.pool.Stats(); s.State != sqlpool.StateUp || s.Generation != 0 || s.LastError != "" {
				l.Errorf("cancels were taken for a fault of the server: %+v", s)
			}
			if n := changes.Load(); n > 0 {
				l.Errorf("the pool's health changed %d times: %+v", n, monitor.Status())
			}
			l.emptied()
		})
	}
}

// cancelled gives up on a statement after a while: at times before the server
// has it, mostly in the middle of it.
func cancelled(l *lab, after time.Duration) {
	ctx, cancel := context.WithCancel(l.ctx())
	defer cancel()
	timer := time.AfterFunc(after, cancel)
	defer timer.Stop()
	_, err := l.db.ExecContext(ctx, "SELECT pg_sleep(60)")
	var state interface{ SQLState() string } // lib/pq returns the server's word for it
	if !errors.Is(err, context.Canceled) && !(errors.As(err, &state) && state.SQLState() == "57014") {
		l.Errorf("cancelled after %v: %v", after, err)
	}
}
