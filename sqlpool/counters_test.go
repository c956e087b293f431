package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// forwards is told of a pool's Stats, one after the other, and fails the test when a
// counter is smaller than before.
type forwards struct {
	t    *testing.T
	pool *sqlpool.Pool
	mu   sync.Mutex
	last sqlpool.Stats
	seen int
}

func (f *forwards) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pool == nil {
		return // a dial of New
	}
	was, is := f.last, f.pool.Stats()
	f.last = is
	f.seen++
	balanced(f.t, is)
	for name, pair := range map[string][2]uint64{
		"AcquireCount": {was.AcquireCount, is.AcquireCount}, "ReleaseCount": {was.ReleaseCount, is.ReleaseCount},
		"WaitCount": {was.WaitCount, is.WaitCount}, "WaitTime": {uint64(was.WaitTime), uint64(is.WaitTime)},
		"MaxWait": {uint64(was.MaxWait), uint64(is.MaxWait)}, "PeakInUse": {uint64(was.PeakInUse), uint64(is.PeakInUse)},
		"DialCount": {was.DialCount, is.DialCount}, "DialErrorCount": {was.DialErrorCount, is.DialErrorCount},
		"CloseCount": {was.CloseCount, is.CloseCount},
	} {
		if pair[1] < pair[0] {
			f.t.Errorf("%s ran backwards, from %d to %d", name, pair[0], pair[1])
		}
	}
}

// TestNoCounterRunsBackwards: a rate of a counter that does is negative, or taken for
// that of a process that has started anew.
func TestNoCounterRunsBackwards(t *testing.T) {
	seed := stormSeed(t)
	synctest.Test(t, func(t *testing.T) {
		f := &forwards{t: t}
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(seed, 1))
		dice := func(n int) bool { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) == 0 }
		look := func(context.Context, *sqlpool.Conn) error {
			f.look()
			defer f.look()
			if dice(20) {
				return errors.New("not this one")
			}
			return nil
		}
		server := fakedb.New()
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 3, SweepInterval: 3 * time.Millisecond, Hooks: []sqlpool.Hooks{{
			BeforeAcquire: look, WhileIdle: whileIdle(look),
			AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error {
				f.look()
				if dice(50) {
					return &fakedb.Error{Code: "53300"}
				}
				return nil
			},
			OnAcquire: func(sqlpool.Acquired) { f.look() },
			OnRelease: func(sqlpool.Released) { f.look() },
			OnClose:   func(sqlpool.Closed) { f.look() },
		}}})
		f.mu.Lock()
		f.pool = p
		f.mu.Unlock()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 300 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+i*i*i)*time.Millisecond)
					if i%2 == 0 {
						if loan, err := p.Acquire(ctx); err == nil {
							time.Sleep(time.Millisecond)
							f.look()
							if dice(10) {
								_ = loan.Retire(nil)
							}
							_ = loan.Release()
						}
					} else if s, err := p.Connector().Connect(ctx); err == nil { // reserved, and perhaps never used
						f.look()
						time.Sleep(time.Duration(i) * time.Millisecond)
						if dice(2) {
							_, _ = s.(driver.ExecerContext).ExecContext(ctx, "INSERT x", nil)
							_ = s.(driver.Validator).IsValid()
						}
						_ = s.Close()
					}
					f.look()
					cancel()
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				time.Sleep(10 * time.Millisecond)
				server.KillAll()
			}
		})
		wg.Wait()
		if s := p.Stats(); s.WaitCount == 0 || s.AcquireCount == 0 || s.DialErrorCount == 0 || s.CloseCount < 20 || f.seen < 1000 {
			t.Errorf("this proves less than it should: %+v", s)
		}
	})
}

// TestADriverThatEndsTheGoroutineOfUpkeepCostsNoSlot: what the pool does with a
// connection between two loans has one end, whichever way the driver leaves it.
func TestADriverThatEndsTheGoroutineOfUpkeepCostsNoSlot(t *testing.T) {
	for name, at := range map[string]fakedb.Point{
		"a look at the socket": fakedb.Alive, "a ping": fakedb.Ping, "a rollback": fakedb.Exec,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				var codes []string
				p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
					WhileIdle: func(_ context.Context, c sqlpool.IdleConn) error { c.KeepAlive(); return nil },
					OnClose:   func(c sqlpool.Closed) { codes = append(codes, sqlpool.ReasonCode(c.Reason)) },
				}}})
				loan := acquire(t, p)
				if at == fakedb.Exec {
					must(t, loan.Conn().Exec(t.Context(), "BEGIN"))
				}
				ends := 1
				server.Script(func(c fakedb.Call) fakedb.Fault {
					if c.Point == at && ends > 0 && (at != fakedb.Exec || c.Text == "ROLLBACK") {
						ends--
						runtime.Goexit()
					}
					return fakedb.Fault{}
				})
				must(t, loan.Release())
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if len(codes) != 1 || codes[0] != sqlpool.CodeHookPanic {
					t.Errorf("closed for %q", codes)
				}
				must(t, acquire(t, p).Release())
				start := time.Now()
				must(t, p.Close())
				if d := time.Since(start); d > time.Second {
					t.Errorf("Close took %v", d)
				}
			})
		})
	}
}

// The mean wait is over all acquires, those that did not wait included.
func TestMeanWait(t *testing.T) {
	for _, c := range []struct {
		stats sqlpool.Stats
		want  time.Duration
	}{{sqlpool.Stats{}, 0}, {sqlpool.Stats{AcquireCount: 4, WaitCount: 1, WaitTime: 2 * time.Second}, 500 * time.Millisecond}} {
		if got := c.stats.MeanWait(); got != c.want {
			t.Errorf("%d acquires that waited %v in all: %v each, want %v", c.stats.AcquireCount, c.stats.WaitTime, got, c.want)
		}
	}
}
