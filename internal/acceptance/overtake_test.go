package acceptance

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// Contexts that end while their statement is being sent: a cancel request may
// overtake the statement and find nothing to cancel, and the server must not run
// it on next to the connection that takes its place.
func TestContextsThatEndWhileSendingKeepTheServerWithinMaxConns(t *testing.T) {
	onEach(t, func(a *app) {
		const maxConns = 4
		since := a.mark()
		var longest atomic.Int64
		pool, db := a.pool(sqlpool.Config{MaxConns: maxConns, Hooks: []sqlpool.Hooks{{
			OnClose: func(e sqlpool.Closed) {
				for took := int64(e.Took); ; {
					before := longest.Load()
					if took <= before || longest.CompareAndSwap(before, took) {
						return
					}
				}
			},
		}}})
		var wg sync.WaitGroup
		for range maxConns {
			wg.Go(func() {
				for range 100 {
					if err := db.PingContext(a.ctx()); err != nil {
						a.Error(err)
					}
					// Cancelled, not timed out: after a deadline the pool gives the slot away
					// sooner, server or no server (docs/decisions/0010).
					ctx, cancel := context.WithCancel(a.ctx())
					timer := time.AfterFunc(rand.N(500*time.Microsecond), cancel)
					_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
					timer.Stop()
					cancel()
					if err == nil {
						a.Error("pg_sleep(60) ended within a millisecond without an error")
					}
				}
			})
		}
		wg.Wait()
		a.atRest(pool)
		a.Logf("%d closes, %v at most", pool.Stats().CloseCount, time.Duration(longest.Load()))
		if peak := a.peak(since); peak > maxConns {
			a.Errorf("the server saw %d backends, MaxConns is %d", peak, maxConns)
		}
	})
}
