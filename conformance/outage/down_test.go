//go:build unix

package outage

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// dials notes every dial that failed.
type dials struct {
	mu     sync.Mutex
	failed []time.Time
}

func (d *dials) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{OnOpen: func(e sqlpool.Opened) {
		if e.Err != nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.failed = append(d.failed, time.Now())
		}
	}}
}

// A server that is down for ten seconds is dialed no more often than the backoff
// allows, and serves every caller soon after it is back. Both drivers at once: the
// outage is long.
func TestTenSecondsDown(t *testing.T) {
	timed(t, tenSecondsDown)
}

func tenSecondsDown(t *testing.T, m *misses) {
	scene := newScene(t, pgserver.Options{}, nil)
	labs := make([]*lab, len(adapters))
	runs := make([]*Run, len(adapters))
	counts := make([]dials, len(adapters))
	for i, a := range adapters {
		labs[i] = newLab(t, scene, m, a.driver, a.open, sqlpool.Config{Hooks: []sqlpool.Hooks{counts[i].hooks()}})
		labs[i].book = labs[0].book // one table, one book
		labs[i].fill()
		runs[i] = labs[i].load(callers, every, deadline)
		labs[i].steady(runs[i], 5)
	}
	broken := time.Now()
	labs[0].must(downFor(10*time.Second)(bounded(t), scene))
	down := time.Since(broken)
	accepted := time.Now()
	for i := range labs {
		runs[i].Mark()
	}
	for i, l := range labs {
		l.steady(runs[i], 25)
		f := l.figures(l.stop(runs[i]), broken, accepted, callers)
		t.Logf("%s: %d dials failed in %v", l.driver, len(counts[i].failed), down)
		l.within("first success", f.FirstSuccess, 400*time.Millisecond)
		l.within("full service", f.FullService, 2*time.Second)
		if n := len(counts[i].failed); n > mostDials(down) {
			l.Errorf("%s: %d dials in %v, want at most %d", l.driver, n, down, mostDials(down))
		}
		for j := 1; j < len(counts[i].failed); j++ {
			if gap := counts[i].failed[j].Sub(counts[i].failed[j-1]); gap > 300*time.Millisecond {
				m.add("%s: %v between two dials while callers waited, want at most 200 ms", l.driver, gap)
			}
		}
	}
	labs[0].audited()
}

// mostDials is what the backoff allows in an outage under demand: four dials
// that were on their way when it began, and then delays of 100 ms and 200 ms. Full
// jitter leaves half of the first ones on average, and half of those of the start, so
// twice the number without jitter is out of the reach of luck.
func mostDials(down time.Duration) int {
	n, limit := 4, 100*time.Millisecond
	for age := time.Duration(0); age < down; n++ {
		age += limit / 2
		limit = 200 * time.Millisecond
	}
	return n
}

// After an outage shorter than a second service is back within 300 ms.
func TestAShortOutageEndsSoon(t *testing.T) {
	onEach(t, pgserver.Options{}, throughNetwork, sqlpool.Config{}, func(l *lab) {
		l.fill()
		run := l.load(callers, every, deadline)
		l.steady(run, 5)
		for _, length := range []time.Duration{100, 300, 500, 700, 800, 900, 950} {
			length *= time.Millisecond
			broken := time.Now()
			l.scene.Net.Cut()
			l.must(lasts(l.ctx(), length))
			l.must(l.scene.Net.Mend())
			accepted := run.Mark()
			l.steady(run, 5)
			run.mu.Lock()
			tries := append([]Try(nil), run.tries...)
			run.mu.Unlock()
			f := l.figures(tries, broken, accepted, callers)
			l.within(fmt.Sprintf("first success after %v", length), f.FirstSuccess, 300*time.Millisecond)
		}
		l.stop(run)
		l.audited()
		l.emptied()
	})
}
