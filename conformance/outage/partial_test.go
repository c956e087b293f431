//go:build unix

package outage

import (
	"context"
	"database/sql/driver"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// Whatever refuses new connections, 20 callers get from the 5 that work what the
// same pool gives them with 5 connections and without the failure, and no error.
// The two pools run side by side, so that the machine is the same to both.
func TestCallersAreServedByTheConnectionsThatWork(t *testing.T) {
	for _, fault := range Faults() {
		if fault.Shortage == nil || fault.Shortage.Working == fault.Shortage.Conns {
			continue
		}
		demand := press(working, 1500*time.Millisecond)
		demand.Deadline = 5 * time.Second // no caller fails because the machine is slow
		short := Shortage{Stages: []Stage{demand}}
		t.Run(fault.Name, func(t *testing.T) {
			onEach(t, fault.Options, fault.Route, sqlpool.Config{FailFastAfter: time.Second}, func(l *lab) {
				l.must(Fill(l.ctx(), l.db, working))
				if fault.Break != nil {
					l.must(fault.Break(l.ctx(), l.scene))
				}
				whole := newLab(l.T, newScene(l.T, pgserver.Options{}, fault.Shortage.Whole), l.misses, l.driver, openOf(l.driver),
					sqlpool.Config{MaxConns: working})
				whole.fill()
				// Of what is served in 1.5 s chance alone is a few in a hundred, so rounds are added up.
				var served, reference int
				for round := range mostRounds {
					if round == 1 {
						l.must(lasts(l.ctx(), 1500*time.Millisecond)) // a quiet moment longer than FailFastAfter
					}
					var s, r int
					var both sync.WaitGroup
					both.Go(func() { s = l.asks(short) })
					both.Go(func() { r = whole.asks(short) })
					both.Wait()
					served, reference = served+s, reference+r
					l.Logf("round %d: %d served, %d without the failure; %d dials; %v", round, s, r, l.pool.Stats().DialCount, l.pool.Stats().State)
					if round > 0 && float64(served) >= 0.98*float64(reference) {
						break
					}
				}
				if ratio := float64(served) / float64(reference); ratio < 0.98 {
					l.misses.add("%s: %.3f of what is served without the failure", l.driver, ratio)
				}
				if s := l.pool.Stats(); s.State != sqlpool.StateRetrying || s.UnavailableCount > 0 {
					l.Errorf("%+v", s)
				}
				l.audited()
			})
		})
	}
}

// asks has the callers of a shortage come, none of whom may fail, and returns how
// many were served.
func (l *lab) asks(s Shortage) int {
	tries, stuck, _, err := s.Ask(context.Background(), l.db, l.book)
	var f Figures
	f.count(tries, 0)
	if err != nil || stuck+f.Errors > 0 {
		l.Errorf("%d calls failed, %d have not returned: %q (%v)", f.Errors, stuck, f.Messages, err)
	}
	return f.Served()
}

// A real PgBouncer whose server is down takes every login. Five callers with
// transactions: dials are paced, and the pool and its health say what is wrong.
func TestAPoolerWhoseServerIsDownIsAnOutage(t *testing.T) {
	for _, a := range adapters {
		t.Run(a.driver, func(t *testing.T) {
			scene := newScene(t, pgserver.Options{}, throughBouncer)
			monitor := health.New(health.Config{})
			l := newLab(t, scene, &misses{}, a.driver, a.open, sqlpool.Config{FailFastAfter: 2 * time.Second, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
			l.must(l.db.PingContext(l.ctx()))
			l.must(scene.Server.Stop(l.ctx(), pgserver.Fast))
			before := l.pool.Stats().DialCount
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			var work sync.WaitGroup
			var calls atomic.Int64
			for range 5 {
				work.Go(func() {
					for ctx.Err() == nil {
						calls.Add(1)
						call, end := context.WithTimeout(ctx, time.Second)
						if tx, err := l.db.BeginTx(call, nil); err == nil {
							if _, err = tx.ExecContext(call, "SELECT 1"); err == nil {
								l.Error("a statement was served by a server that is down")
							}
							_ = tx.Rollback()
						}
						end()
						_ = lasts(ctx, time.Millisecond)
					}
				})
			}
			work.Wait()
			s := l.pool.Stats()
			l.Logf("%d dials for %d calls in 3 s, state %v, health %v %q", s.DialCount-before, calls.Load(), s.State, monitor.Status().State, monitor.Status().Reasons)
			if n := s.DialCount - before; n > 60 {
				l.Errorf("%d dials in 3 s", n)
			}
			if s.State != sqlpool.StateDown || monitor.Status().State != health.Unhealthy {
				l.Errorf("state %v, health %v", s.State, monitor.Status())
			}
			if got := code(monitor.Ready()); got != http.StatusServiceUnavailable {
				l.Errorf("/readyz answers %d", got)
			}
			l.must(scene.Server.Start(l.ctx()))
			for l.db.PingContext(l.ctx()) != nil {
				l.must(lasts(l.ctx(), 10*time.Millisecond))
			}
		})
	}
}

func openOf(name string) func(string, func() string) (driver.Connector, error) {
	for _, a := range adapters {
		if a.driver == name {
			return a.open
		}
	}
	panic(name)
}
