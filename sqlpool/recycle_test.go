package sqlpool_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// departures notes when connections are closed for being recycled.
type departures struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration
	ids   []uint64
}

func (d *departures) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{OnClose: func(e sqlpool.Closed) {
		if sqlpool.ReasonCode(e.Reason) != sqlpool.CodeRecycled {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.at = append(d.at, time.Since(d.start))
		d.ids = append(d.ids, e.Conn.ID())
	}}
}

func (d *departures) list() ([]time.Duration, []uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.at), slices.Clone(d.ids)
}

// recycling opens a pool with n idle connections.
func recycling(t *testing.T, n int, cfg sqlpool.Config) (*sqlpool.Pool, *fakedb.DB, *departures) {
	t.Helper()
	gone := &departures{}
	cfg.Hooks = append(cfg.Hooks, gone.hooks())
	p, server := lab(t, cfg)
	loans := make([]sqlpool.Loan, n)
	for i := range loans {
		loans[i] = acquire(t, p)
	}
	for _, l := range loans {
		must(t, l.Release())
	}
	synctest.Wait()
	gone.start = time.Now()
	return p, server, gone
}

// What is lent stays, and MinIdle are there again at once.
func TestCloseIdleClosesWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server, gone := recycling(t, 5, sqlpool.Config{MaxConns: 5, MinIdle: 2})
		loan := acquire(t, p)
		p.CloseIdle()
		synctest.Wait()
		if _, ids := gone.list(); len(ids) != 4 {
			t.Errorf("closed: %v", ids)
		}
		if s, c := p.Stats(), server.Counts(); s.InUse != 1 || s.Idle != 2 || s.Open != 3 || c.Connects != 7 {
			t.Errorf("%+v after %d dials", s, c.Connects)
		}
		must(t, loan.Release())
		must(t, p.Close())
		p.CloseIdle()
	})
}

func TestRecycleSpreadsOverTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, over = 10, 10 * time.Minute
		p, _, gone := recycling(t, n, sqlpool.Config{MaxConns: 20})
		must(t, p.Recycle(context.Background(), over))
		synctest.Wait()
		at, ids := gone.list()
		if !slices.Equal(ids, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Fatalf("recycled %v, want 1 to 10, the oldest first", ids)
		}
		for i, d := range at { // one in each tenth of the window
			if share := over / n; d < time.Duration(i)*share || d > time.Duration(i+1)*share {
				t.Errorf("connection %d went after %v", ids[i], d)
			}
		}
		if s := p.Stats(); s.Idle != n || s.CloseCount != n {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// While the slow replacement is dialed, the old connection is still there.
func TestAReplacementComesBeforeTheOldOneGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server, gone := recycling(t, 0, sqlpool.Config{MaxConns: 3, MinIdle: 2})
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		done := make(chan error)
		go func() { done <- p.Recycle(context.Background(), 0) }()
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if s := p.Stats(); s.Idle < 2 {
				t.Errorf("%d idle while a replacement is on its way", s.Idle)
			}
		}
		must(t, <-done)
		if _, ids := gone.list(); len(ids) != 2 {
			t.Errorf("recycled %v", ids)
		}
	})
}

// With every slot taken the pool is one short while it recycles, never more.
func TestRecycleWithEverySlotTaken(t *testing.T) {
	for _, keep := range []int{0, 4} {
		synctest.Test(t, func(t *testing.T) {
			p, server, gone := recycling(t, 4, sqlpool.Config{MaxConns: 4, MinIdle: keep})
			server.On(fakedb.Connect, fakedb.Fault{Delay: 100 * time.Millisecond})
			done := make(chan error)
			go func() { done <- p.Recycle(context.Background(), 0) }()
			for range 100 {
				time.Sleep(10 * time.Millisecond)
				if s := p.Stats(); s.Idle < 3 {
					t.Errorf("%d of 4 idle", s.Idle)
				}
			}
			must(t, <-done)
			if _, ids := gone.list(); len(ids) != 4 {
				t.Errorf("recycled %v", ids)
			}
			if s := p.Stats(); s.Idle != max(3, keep) {
				t.Errorf("not refilled: %+v", s)
			}
		})
	}
}

func TestRecycleLetsALoanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, gone := recycling(t, 1, sqlpool.Config{MaxConns: 2})
		loan := acquire(t, p)
		must(t, p.Recycle(context.Background(), 0), p.Recycle(context.Background(), 0))
		time.Sleep(time.Hour)
		must(t, loan.Conn().Exec(context.Background(), "SELECT 1"))
		if _, ids := gone.list(); slices.Contains(ids, 1) {
			t.Error("a connection was cut in mid-loan")
		}
		must(t, loan.Release())
		synctest.Wait()
		if _, ids := gone.list(); !slices.Contains(ids, 1) {
			t.Errorf("recycled %v: the connection outlived its loan", ids)
		}
	})
}

// A session that was opened and not used yet holds a reservation, which is
// without an owner for long.
func TestRecycleReachesAReservedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, gone := recycling(t, 0, sqlpool.Config{MaxConns: 1})
		session, err := p.Connector().Connect(context.Background())
		must(t, err)
		must(t, p.Recycle(context.Background(), 0))
		synctest.Wait()
		if _, ids := gone.list(); len(ids) != 1 {
			t.Errorf("recycled %v", ids)
		}
		must(t, session.Close())
	})
}

func TestRecycleStopsWhenADialFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server, gone := recycling(t, 5, sqlpool.Config{MaxConns: 10})
		down := errors.New("connection refused")
		server.SetDown(down)
		err := p.Recycle(context.Background(), time.Minute)
		if !errors.Is(err, sqlpool.ErrUnavailable) || !errors.Is(err, down) {
			t.Errorf("error %v", err)
		}
		if _, ids := gone.list(); len(ids) != 0 || p.Stats().Idle != 5 {
			t.Errorf("recycled %v, %d idle", ids, p.Stats().Idle)
		}
		server.SetDown(nil)
	})
}

func TestRecycleEndsWithItsContextAndThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, gone := recycling(t, 4, sqlpool.Config{MaxConns: 10})
		ctx, cancel := context.WithTimeout(context.Background(), 150*time.Second)
		defer cancel()
		if err := p.Recycle(ctx, 4*time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
		if _, ids := gone.list(); len(ids) != 2 && len(ids) != 3 {
			t.Errorf("recycled %v in 2½ of 4 shares", ids)
		}
		done := make(chan error)
		go func() { done <- p.Recycle(context.Background(), time.Hour) }()
		time.Sleep(time.Second)
		must(t, p.Close())
		if err := <-done; !errors.Is(err, sqlpool.ErrClosed) {
			t.Errorf("error %v", err)
		}
		if err := p.Recycle(context.Background(), -1); err == nil {
			t.Error("a negative window was accepted")
		}
	})
}

// Connections go under a load that never lets one be idle.
func TestRecycleUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, gone := recycling(t, 4, sqlpool.Config{MaxConns: 4})
		ctx, stop := context.WithCancel(context.Background())
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for ctx.Err() == nil {
					loan := acquire(t, p)
					time.Sleep(10 * time.Millisecond)
					if err := loan.Release(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		must(t, p.Recycle(context.Background(), 5*time.Second))
		time.Sleep(time.Second)
		stop()
		callers.Wait()
		synctest.Wait()
		if _, ids := gone.list(); !slices.Equal(ids, []uint64{1, 2, 3, 4}) {
			t.Errorf("recycled %v, want 1 to 4", ids)
		}
	})
}
