package sqlpool

import (
	"context"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

// granted returns a pool, and the loan of its one connection as a waiter was
// granted it that has not woken up yet.
func granted(t *testing.T) (*Pool, *Conn, *waiter) {
	t.Helper()
	p, err := New(Config{Connector: fakedb.Instant(), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	w := p.waiters.get()
	p.waiters.push(w, false)
	p.mu.Unlock()
	if err := loan.Release(); err != nil || w.conn != loan.conn {
		t.Fatal("not granted", err)
	}
	return p, loan.conn, w
}

// free counts the waiters to be reused, each of which must be there once.
func free(t *testing.T, p *Pool) (n int) {
	t.Helper()
	seen := make(map[*waiter]bool)
	for w := p.waiters.free; w != nil; w = w.next {
		if seen[w] {
			t.Fatal("a waiter is free twice: two acquires would share it")
		}
		seen[w] = true
	}
	return len(seen)
}

func TestAGrantPassedOnLeavesNothingOfItsWaiterBehind(t *testing.T) {
	p, c, w := granted(t)
	p.mu.Lock()
	<-w.ready
	p.passOnLocked(c)
	p.waiters.put(w)
	p.mu.Unlock()
	for range 3 {
		loan, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_ = loan.Release()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	free(t, p)
	if s := p.statsLocked(); s.InUse != 0 || s.Idle != 1 || s.AcquireCount != s.ReleaseCount || c.loan != 4 {
		t.Errorf("loan %d, %+v", c.loan, s)
	}
}

// Force comes between the grant and the waiter's awakening: what the waiter
// still holds must not become another acquire's.
func TestAForcedGrantStillBelongsToItsWaiter(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		p, c, w := granted(t)
		p.mu.Lock()
		p.beginShutdownLocked()
		before := free(t, p)
		p.mu.Unlock()
		if holders := p.force(); len(holders) != 1 {
			t.Fatalf("%d holders", len(holders))
		}
		p.mu.Lock()
		if free(t, p) != before || w.conn != c {
			t.Error("the waiter was taken from the acquire that uses it")
		}
		p.mu.Unlock()
		<-w.ready
		if got, err := p.outcome(w, p.now()); got != c || err != nil {
			t.Errorf("granted %v, %v", got, err)
		}
		if cancelled {
			p.mu.Lock()
			p.passOnLocked(c)
			p.mu.Unlock()
		} else {
			p.release(c)
		}
		if s := p.Stats(); s.Open != 0 || s.InUse != 0 || s.AcquireCount != s.ReleaseCount {
			t.Errorf("cancelled %v: %+v", cancelled, s)
		}
		p.mu.Lock()
		if c.state != stateGone {
			t.Errorf("cancelled %v: state %d", cancelled, c.state)
		}
		p.mu.Unlock()
	}
}
