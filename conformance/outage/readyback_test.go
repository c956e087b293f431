//go:build unix

package outage

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// asRole has callers log in as a role that can be locked.
func asRole(ctx context.Context, s *Scene) error {
	s.endpoint.User = "app"
	return s.Server.Exec(ctx, "CREATE ROLE app LOGIN")
}

// A server, or a role, that is away for ten seconds and comes back, and an orchestrator that
// keeps every caller away for as long as the pool is not ready: a dial a second, however long
// the outage is, and so readiness about a second after the server.
func TestReadinessIsBackAboutASecondAfterTheServer(t *testing.T) {
	const away = 10 * time.Second
	for name, fault := range map[string]struct {
		goes, comes func(context.Context, *Scene) error
	}{
		"the server": {
			func(ctx context.Context, s *Scene) error { return s.Server.Stop(ctx, pgserver.Fast) },
			func(ctx context.Context, s *Scene) error { return s.Server.Start(ctx) },
		},
		"the role": {
			func(ctx context.Context, s *Scene) error {
				if err := s.Server.Exec(ctx, "ALTER ROLE app NOLOGIN"); err != nil {
					return err
				}
				_, err := s.Server.Terminate(ctx, s.Callers())
				return err
			},
			func(ctx context.Context, s *Scene) error { return s.Server.Exec(ctx, "ALTER ROLE app LOGIN") },
		},
	} {
		for _, a := range adapters {
			t.Run(name+", "+a.driver, func(t *testing.T) {
				t.Parallel() // they only wait, each on a server of its own
				timed(t, func(t *testing.T, m *misses) {
					scene := newScene(t, pgserver.Options{}, asRole)
					monitor := health.New(health.Config{Keepalive: time.Second})
					l := newLab(t, scene, m, a.driver, a.open, sqlpool.Config{MaxConns: 4, MinIdle: 2, FailFastAfter: 2 * time.Second, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
					l.must(l.pool.Warm(l.ctx()))
					until := func(want int) time.Duration {
						begun := time.Now()
						for {
							if code(monitor.Ready()) == want {
								return time.Since(begun)
							}
							if time.Since(begun) > watchdog/2 {
								l.Fatalf("/readyz is not %d: %+v; %+v", want, monitor.Status(), l.pool.Stats())
							}
							l.must(lasts(l.ctx(), 10*time.Millisecond))
						}
					}
					until(http.StatusOK)
					l.must(fault.goes(l.ctx(), scene))
					until(http.StatusServiceUnavailable)
					before := l.pool.Stats().DialErrorCount
					for begun := time.Now(); time.Since(begun) < away; {
						until(http.StatusServiceUnavailable)
						l.must(lasts(l.ctx(), 50*time.Millisecond))
					}
					dials := l.pool.Stats().DialErrorCount - before
					if dials < 5 || dials > 20 {
						l.Errorf("%d dials in %v without a caller, want about one a second", dials, away)
					}
					l.must(fault.comes(l.ctx(), scene))
					back := until(http.StatusOK)
					l.Logf("ready %v after it is back; %d dials in %v", back.Round(time.Millisecond), dials, away)
					l.within("/readyz 200", millis(back), 1500*time.Millisecond)
				})
			})
		}
	}
}
