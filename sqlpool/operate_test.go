package sqlpool_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A pool that is paused, resumed, resized and recycled all the time, under
// callers with and without database/sql, some of whom give up: none is lent
// what another has, none is forgotten in the queue, and the books balance.
func TestStormOfOperators(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		const most = 8
		p, server := lab(t, sqlpool.Config{MaxConns: most, MinIdle: 1, AcquireTimeout: time.Hour})
		db := sqlpool.OpenDB(p)
		ctx, stop := context.WithCancel(t.Context())
		var callers, operator sync.WaitGroup
		var loans, gaveUp atomic.Int64
		owners := sync.Map{} // connection to its owner
		for i := range 24 {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			callers.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
					if i%3 == 0 {
						_, err := db.ExecContext(ctx, "SELECT 1")
						if err != nil && ctx.Err() == nil {
							t.Errorf("exec: %v", err)
						}
						continue
					}
					patience := time.Hour
					if i%3 == 1 {
						patience = time.Duration(r.IntN(4000)) * time.Microsecond
					}
					short, cancel := context.WithTimeout(ctx, patience)
					loan, err := p.Acquire(short)
					cancel()
					if err != nil {
						gaveUp.Add(1)
						continue
					}
					loans.Add(1)
					c := conn(loan)
					if other, taken := owners.LoadOrStore(c, i); taken {
						t.Errorf("caller %d was lent what %v has", i, other)
					}
					time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
					owners.Delete(c)
					must(t, loan.Release())
				}
			})
		}
		operator.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1000))
			for range 600 {
				switch r.IntN(4) {
				case 0:
					p.Pause()
				case 1:
					p.Resume()
				case 2:
					n := 1 + r.IntN(most)
					must(t, p.Resize(n, r.IntN(n+1)))
				case 3:
					short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
					_ = p.Recycle(short, 2*time.Millisecond) // ends early when it is in the way of another
					cancel()
				}
				if s := p.Snapshot(); s.Open != s.Idle+s.InUse+s.Dialing+s.Closing || s.Open > most || s.Waiting < 0 {
					t.Errorf("inconsistent: %+v", s.Stats)
				}
				time.Sleep(time.Duration(r.IntN(4000)) * time.Microsecond)
			}
			must(t, p.Resize(most, 0)) // for the books
			p.Resume()
		})
		operator.Wait()
		before := loans.Load()
		time.Sleep(time.Second) // all callers are served again
		if n := loans.Load() - before; n < 1000 {
			t.Errorf("%d loans in the last second", n)
		}
		stop()
		callers.Wait()
		must(t, db.Close())
		if loans.Load() == 0 || gaveUp.Load() == 0 || server.Counts().PeakLive > most {
			t.Errorf("%d loans, %d gave up, %d connections", loans.Load(), gaveUp.Load(), server.Counts().PeakLive)
		}
	})
}
