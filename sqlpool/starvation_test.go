package sqlpool_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/internal/netpoll"
)

// Callers who hand one connection on and on have the network looked at, so that
// the replies on others are read: after 100 µs of nothing but short loans, or an
// eighth of what they wait. A driver that is waited for needs no such looks.
func TestShortLoansLookAtTheNetwork(t *testing.T) {
	for _, c := range []struct {
		name    string
		callers int
		held    time.Duration
		least   uint64 // looks in 100 ms
		most    uint64
	}{
		{"short loans", 4, 10 * time.Microsecond, 800, 1000},
		{"short loans and long waits", 400, 10 * time.Microsecond, 150, 250}, // 4 ms: a look each 500 µs
		{"loans of the limit's length", 4, 100 * time.Microsecond, 400, 1000},
		{"longer ones", 4, 101 * time.Microsecond, 0, 0},
		{"nobody waits", 1, 10 * time.Microsecond, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := lab(t, sqlpool.Config{MaxConns: 1})
				_ = acquire(t, p).Release() // the dial is over
				before, end := netpoll.Looks(), time.Now().Add(100*time.Millisecond)
				var callers sync.WaitGroup
				for range c.callers {
					callers.Go(func() {
						for time.Now().Before(end) {
							loan := acquire(t, p)
							time.Sleep(c.held)
							_ = loan.Release()
						}
					})
				}
				callers.Wait()
				if n := netpoll.Looks() - before; n < c.least || n > c.most {
					t.Errorf("%d looks, want %d to %d", n, c.least, c.most)
				}
			})
		})
	}
}
