package sqlpool

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// Whatever is done with a pool, and in whatever order: no acquire waits beside an idle connection, every wait ends on
// time to the nanosecond, no dial is forgotten, and at rest the books balance.
func TestTheQueueAgainstAModel(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) { playModel(t, seed) })
		if t.Failed() {
			t.Log("seed", seed)
			return
		}
	}
}

func playModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	server := fakedb.New()
	server.Script(func(c fakedb.Call) fakedb.Fault {
		if c.Point == fakedb.Connect {
			return fakedb.Fault{Delay: time.Duration(1+seed%40) * time.Millisecond}
		}
		return fakedb.Fault{}
	})
	timeout := 200 * time.Millisecond
	max := 1 + r.IntN(4)
	p, err := New(Config{Connector: server.Connector(), MaxConns: max, MinIdle: r.IntN(max + 1), AcquireTimeout: timeout, MaxDialing: 1 + r.IntN(3)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	paused := false
	for range 150 {
		switch k := r.IntN(20); {
		case k < 8: // a loan
			hold := time.Duration(r.IntN(30000)) * time.Microsecond
			var ctx context.Context = context.Background()
			cancel := func() {}
			limit := timeout
			if r.IntN(3) == 0 {
				d := time.Duration(1+r.IntN(300)) * time.Millisecond
				c2, cc := context.WithTimeout(ctx, d)
				ctx, cancel = c2, cc
				limit = min(limit, d)
			}
			wg.Go(func() {
				defer cancel()
				start := time.Now()
				loan, err := p.Acquire(ctx)
				took := time.Since(start)
				if err != nil {
					if !errors.Is(err, ErrAcquireTimeout) {
						t.Errorf("seed %d: %v", seed, err)
					} else if took != limit {
						t.Errorf("seed %d: gave up after %v, want %v: %v", seed, took, limit, err)
					}
					return
				}
				if took > limit {
					t.Errorf("seed %d: granted after %v, limit %v", seed, took, limit)
				}
				time.Sleep(hold)
				loan.Release()
			})
		case k < 14: // a session, with statements that follow each other soon
			n := 1 + r.IntN(20)
			gap := time.Duration(r.IntN(600)) * time.Microsecond
			work := time.Duration(r.IntN(300)) * time.Microsecond
			wg.Go(func() {
				s, err := p.openSession(context.Background())
				if err != nil {
					return
				}
				for range n {
					start := time.Now()
					_ = s.ResetSession(context.Background())
					took := time.Since(start)
					if took > timeout {
						t.Errorf("seed %d: reset took %v", seed, took)
					}
					if _, err := s.ExecContext(context.Background(), "noop", nil); err != nil && !errors.Is(err, ErrAcquireTimeout) {
						t.Errorf("seed %d: %v", seed, err)
					}
					time.Sleep(work)
					s.IsValid()
					time.Sleep(gap)
				}
				s.Close()
			})
		case k == 14:
			p.Pause()
			paused = true
		case k == 15:
			p.Resume()
			paused = false
		case k == 16:
			n := 1 + r.IntN(5)
			p.Resize(n, r.IntN(n+1))
		case k == 17:
			over := time.Duration(r.IntN(5)) * time.Millisecond
			wg.Go(func() { p.Recycle(context.Background(), over) })
		case k == 18:
			p.Snapshot()
		default:
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		}
		synctest.Wait()
		s := p.Stats()
		p.mu.Lock()
		idle := p.idle.Len()
		free := p.slots.Taken() < p.stats.MaxConns
		dialing, closing := p.slots.Dialing(), p.slots.Closing()
		armed := p.redial.IsSet()
		p.mu.Unlock()
		if !paused && s.Waiting > 0 && idle > 0 {
			t.Errorf("seed %d: %d wait, %d idle", seed, s.Waiting, idle)
		}
		if !paused && s.Waiting > dialing && free && dialing < p.cfg.MaxDialing && !armed {
			t.Errorf("seed %d: no dial for those who wait: %+v closing %d", seed, s, closing)
		}
		if s.Open != s.Idle+s.InUse+s.Dialing+s.Closing || min(s.Idle, s.InUse, s.Dialing, s.Closing, s.Waiting) < 0 || s.ReleaseCount > s.AcquireCount {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
	p.Resume()
	wg.Wait()
	time.Sleep(3 * time.Second)
	s := p.Stats()
	if s.InUse != 0 || s.Waiting != 0 || s.AcquireCount != s.ReleaseCount || s.Open > s.MaxConns || s.Idle < s.MinIdle {
		t.Errorf("seed %d at rest: %+v", seed, s)
	}
	if err := p.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	s = p.Stats()
	if s.Open != 0 || s.DialCount-s.DialErrorCount != s.CloseCount {
		t.Errorf("seed %d: %+v", seed, s)
	}
	for _, v := range server.Violations() {
		t.Errorf("seed %d: %s", seed, v)
	}
}
