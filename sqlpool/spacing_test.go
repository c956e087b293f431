package sqlpool_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// slowDials has every dial take that long.
func slowDials(server *fakedb.DB, d time.Duration) {
	server.On(fakedb.Connect, fakedb.Fault{Delay: d})
}

// Of 50 callers who come at once and are served by 5 connections long before a
// dial ends, few dials are left.
func TestAShortRushDialsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		slowDials(server, 150*time.Millisecond) // before the pool is there: it dials MinIdle at once
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 50, MinIdle: 5})
		must(t, p.Warm(context.Background()))
		time.Sleep(time.Second)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				loan, err := p.Acquire(context.Background())
				must(t, err)
				time.Sleep(2 * time.Millisecond)
				must(t, loan.Release())
			})
		}
		wg.Wait()
		if s := p.Stats(); s.MaxWait > 20*time.Millisecond {
			t.Errorf("waited %v for connections that are there for 2 ms each", s.MaxWait)
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.DialCount > 7 {
			t.Errorf("%d dials, want at most MinIdle and 2", s.DialCount)
		}
	})
}

// Who waits for connections that do not come back has MaxDialing dials soon.
func TestALongRushDialsInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 20, MaxDialing: 4})
		slowDials(server, 80*time.Millisecond)
		first, err := p.Acquire(context.Background())
		must(t, err)
		var loans sync.WaitGroup
		for range 4 {
			loans.Go(func() {
				loan, err := p.Acquire(context.Background())
				must(t, err)
				time.Sleep(time.Minute)
				must(t, loan.Release())
			})
		}
		time.Sleep(35 * time.Millisecond) // three times an eighth of 80 ms, and a little
		if s := p.Stats(); s.Dialing != 4 {
			t.Errorf("%d dials are under way, want 4", s.Dialing)
		}
		must(t, first.Release())
		loans.Wait()
	})
}
