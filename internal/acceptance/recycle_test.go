package acceptance

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

// Connections come and go all the time under 32 callers, and none of them
// notices: no error, never more backends than MaxConns, a reason for each close.
func TestRecyclingUnderLoad(t *testing.T) {
	const callers, maxConns = 32, 8
	lasting := long(t, 2*time.Second, time.Minute)
	onEach(t, func(a *app) {
		var mu sync.Mutex
		reasons := make(map[string]uint64)
		since := a.mark()
		pool, db := a.pool(sqlpool.Config{
			MaxConns: maxConns, MinIdle: 2,
			Hooks: []sqlpool.Hooks{
				recycle.MaxUses(50), recycle.MaxLifetime(time.Second), recycle.MaxIdleTime(200 * time.Millisecond),
				{OnClose: func(e sqlpool.Closed) {
					mu.Lock()
					defer mu.Unlock()
					reasons[sqlpool.ReasonCode(e.Reason)]++
				}},
			},
		})
		until := time.Now().Add(lasting)
		stmt, err := db.PrepareContext(a.ctx(), "SELECT $1::int + 1")
		a.must(err)
		var all sync.WaitGroup
		for g := range callers {
			all.Go(func() {
				for i := g; time.Now().Before(until); i++ {
					ctx, cancel := context.WithTimeout(context.Background(), watchdog)
					var n int
					var err error
					switch i % 4 {
					case 0:
						err = db.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n)
					case 1:
						err = stmt.QueryRowContext(ctx, 7).Scan(&n)
					case 2:
						err = inTx(ctx, db, stmt)
					case 3: // rests on its connection long enough for the lifetime to matter
						_, err = db.ExecContext(ctx, "SELECT pg_sleep(0.02)")
					}
					cancel()
					if err != nil {
						a.Errorf("caller %d: %v", g, err)
						return
					}
				}
			})
		}
		recycled := make(chan error, 1)
		go func() { recycled <- pool.Recycle(a.ctx(), lasting/4) }()
		all.Wait()
		a.must(<-recycled)
		a.must(stmt.Close())
		a.must(db.Close())

		s, total := pool.Stats(), uint64(0)
		mu.Lock()
		defer mu.Unlock()
		for code, n := range reasons {
			total += n
			switch code {
			case recycle.CodeMaxUses, recycle.CodeMaxLifetime, recycle.CodeMaxIdleTime, sqlpool.CodeRecycled, sqlpool.CodeShutdown:
			default:
				a.Errorf("%d connections closed for the reason %q", n, code)
			}
		}
		if total != s.CloseCount || s.CloseCount != s.DialCount-s.DialErrorCount {
			a.Errorf("%d reasons, %d closes, %d dials, %d failed", total, s.CloseCount, s.DialCount, s.DialErrorCount)
		}
		if reasons[recycle.CodeMaxUses] == 0 {
			a.Error("no connection was used up: the load was none")
		}
		if peak := a.peak(since); peak > maxConns {
			a.Errorf("the server saw %d backends, MaxConns is %d", peak, maxConns)
		}
		a.Logf("%d loans in %v on %d connections: %v", s.AcquireCount, lasting, s.CloseCount, reasons)
	})
}

// long is how long a test of endurance runs: with SQLPOOL_SOAK set, as make
// soak does, it takes its time.
func long(t *testing.T, usual, soak time.Duration) time.Duration {
	if os.Getenv("SQLPOOL_SOAK") == "" {
		return usual
	}
	t.Logf("SQLPOOL_SOAK is set: %v", soak)
	return soak
}
