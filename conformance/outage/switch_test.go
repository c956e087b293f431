//go:build unix

package outage

import (
	"context"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// After a failover, and after a switchover that leaves the old primary up and
// read-only, every caller writes to the new primary, and what was acknowledged
// is there.
func TestCallersFollowThePrimary(t *testing.T) {
	for name, move := range map[string]func(context.Context, *Scene) error{"failover": failOver, "switchover": switchOver} {
		t.Run(name, func(t *testing.T) {
			onEach(t, pgserver.Options{}, withStandby, sqlpool.Config{}, func(l *lab) {
				l.fill()
				run := l.load(callers, every, deadline)
				l.steady(run, 5)
				broken := time.Now()
				l.must(move(l.ctx(), l.scene))
				accepted := run.Mark()
				l.steady(run, 25)
				f := l.figures(l.stop(run), broken, accepted, callers)
				l.within("full service", f.FullService, 2*time.Second)
				if name == "switchover" {
					sessions, err := l.scene.Server.Activity(l.ctx(), l.scene.Callers())
					l.must(err)
					if len(sessions) > 0 {
						l.Errorf("%d connections are left on the old primary", len(sessions))
					}
				}
				l.audited()
				l.emptied()
			})
		})
	}
}
