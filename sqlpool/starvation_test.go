package sqlpool_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/internal/netpoll"
)

// Callers who hand one connection on and on have the network polled, so that the
// replies on others are read: after 100 µs of nothing but short loans, or an eighth
// of what they wait. A server that is waited for needs no such polls.
func TestShortLoansPollTheNetwork(t *testing.T) {
	for _, c := range []struct {
		name    string
		callers int
		held    time.Duration
		least   uint64 // polls in 100 ms
		most    uint64
	}{
		{"short loans", 4, 10 * time.Microsecond, 800, 1000},
		{"short loans and longer waits", 160, 10 * time.Microsecond, 350, 550}, // 1.6 ms: a poll each 200 µs
		{"long waits", 400, 10 * time.Microsecond, 0, 50},                      // but while the queue grows and shrinks
		{"loans of the limit's length", 4, 100 * time.Microsecond, 400, 1000},
		{"longer ones", 4, 101 * time.Microsecond, 0, 0},
		{"nobody waits", 1, 10 * time.Microsecond, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := lab(t, sqlpool.Config{MaxConns: 1})
				_ = acquire(t, p).Release() // the dial is over
				before, end := netpoll.Polls(), time.Now().Add(100*time.Millisecond)
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
				if n := netpoll.Polls() - before; n < c.least || n > c.most {
					t.Errorf("%d polls, want %d to %d", n, c.least, c.most)
				}
			})
		})
	}
}
