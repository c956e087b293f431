//go:build unix

package outage

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// A network that swallows everything, 100 idle connections, and an orchestrator
// that asks: the process is never taken to be stuck, and readiness knows within the
// keepalive and two ping timeouts.
func TestADarkNetworkIsNotReadyAndNeverStuck(t *testing.T) {
	const keepalive = 2 * time.Second
	for _, a := range adapters {
		t.Run(a.driver, func(t *testing.T) {
			timed(t, func(t *testing.T, m *misses) {
				scene := newScene(t, pgserver.Options{MaxConnections: 150}, throughNetwork)
				monitor := health.New(health.Config{Keepalive: keepalive})
				l := newLab(t, scene, m, a.driver, a.open, sqlpool.Config{MaxConns: 100, MinIdle: 100, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
				l.must(l.pool.Warm(l.ctx()))
				// until polls both probes until readiness is as wanted.
				until := func(ready int, most time.Duration) time.Duration {
					start := time.Now()
					for code(monitor.Ready()) != ready {
						if live := code(monitor.Live()); live != http.StatusOK {
							l.Fatalf("/livez %d: %+v", live, monitor.Status())
						}
						if time.Since(start) > most {
							l.Fatalf("/readyz is not %d after %v: %+v; %+v", ready, most, monitor.Status(), l.pool.Stats())
						}
						l.must(lasts(l.ctx(), 20*time.Millisecond))
					}
					return time.Since(start)
				}
				until(http.StatusOK, watchdog)
				scene.Net.Silence()
				known := until(http.StatusServiceUnavailable, watchdog/2)
				for range 150 { // three seconds more of darkness
					if live := code(monitor.Live()); live != http.StatusOK {
						l.Fatalf("/livez %d: %+v", live, monitor.Status())
					}
					l.must(lasts(l.ctx(), 20*time.Millisecond))
				}
				scene.Net.Lighten()
				l.Logf("not ready %v after the network went dark", known.Round(time.Millisecond))
				l.within("/readyz 503", millis(known), keepalive+2*sqlpool.DefaultPingTimeout)
			})
		})
	}
}

// An orchestrator keeps callers away from a pool whose network is dark. What was begun
// in the dark is lost also when the network is back, dials included; readiness is
// back about a second later all the same, in whichever moment of a dial that is. Each
// connection can have one lost dial, so a pool of two takes half of ConnectTimeout.
func TestReadinessIsBackAboutASecondAfterADarkNetwork(t *testing.T) {
	for _, a := range adapters {
		for _, conns := range []int{2, 10} {
			t.Run(fmt.Sprint(a.driver, ", ", conns, " connections"), func(t *testing.T) {
				t.Parallel() // they only wait, each on a server of its own
				timed(t, func(t *testing.T, m *misses) {
					scene := newScene(t, pgserver.Options{MaxConnections: 150}, throughNetwork)
					monitor := health.New(health.Config{Keepalive: time.Second})
					l := newLab(t, scene, m, a.driver, a.open, sqlpool.Config{MaxConns: conns, MinIdle: conns, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
					l.must(l.pool.Warm(l.ctx()))
					ready := func() bool { return code(monitor.Ready()) == http.StatusOK }
					for _, dark := range []time.Duration{6 * time.Second, 8500 * time.Millisecond} {
						for !ready() {
							l.must(lasts(l.ctx(), 10*time.Millisecond))
						}
						scene.Net.Silence()
						for begun := time.Now(); ready() || time.Since(begun) < dark; {
							l.must(lasts(l.ctx(), 10*time.Millisecond))
						}
						// Just after a dial has begun, which is of no use then.
						for tried := scene.Net.Accepted(); scene.Net.Accepted() == tried; {
							_ = ready()
							l.must(lasts(l.ctx(), time.Millisecond))
						}
						scene.Net.Speak()
						begun := time.Now()
						for !ready() {
							if time.Since(begun) > watchdog {
								l.Fatalf("not ready %v after the network is back: %+v; %+v", watchdog, monitor.Status(), l.pool.Stats())
							}
							l.must(lasts(l.ctx(), 10*time.Millisecond))
						}
						back := time.Since(begun)
						l.Logf("ready %v after the network is back, dark for %v; %d dials, %d failed", back.Round(time.Millisecond), dark, l.pool.Stats().DialCount, l.pool.Stats().DialErrorCount)
						l.within("/readyz 200", millis(back), sqlpool.DefaultConnectTimeout/time.Duration(min(conns, sqlpool.DefaultMaxDialing))+500*time.Millisecond)
					}
				})
			})
		}
	}
}
