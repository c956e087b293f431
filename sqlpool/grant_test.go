package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// granted returns a pool, and the loan of its one connection as a waiter was
// granted it that has not woken up yet.
func granted(t *testing.T) (*Pool, *Conn, *waiter) {
	t.Helper()
	p, c, w := grantedUnclosed(t)
	t.Cleanup(func() { _ = p.Close() })
	return p, c, w
}

func grantedUnclosed(t *testing.T) (*Pool, *Conn, *waiter) {
	t.Helper()
	p, err := New(Config{Connector: fakedb.Instant(), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	w := p.queueLocked(p.now(), false)
	p.waiters.Push(w, p.now(), false)
	p.mu.Unlock()
	if err := loan.Release(); err != nil || w.Got != loan.conn {
		t.Fatal("not granted", err)
	}
	return p, loan.conn, w
}

func TestAGrantPassedOnLeavesNothingOfItsWaiterBehind(t *testing.T) {
	p, c, w := granted(t)
	p.mu.Lock()
	<-w.Ready
	p.giveBackLocked(c, outcome{}, nil)
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
	if s := p.statsLocked(); s.InUse != 0 || s.Idle != 1 || s.AcquireCount != s.ReleaseCount || c.loan != 4 {
		t.Errorf("loan %d, %+v", c.loan, s)
	}
}

// Force comes between the grant and the waiter's awakening: what the waiter
// still holds must not become another acquire's.
func TestAForcedGrantStillBelongsToItsWaiter(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		p, c, w := granted(t)
		p.beginShutdown()
		p.mu.Lock()
		before := p.waiters.Kept()
		p.mu.Unlock()
		if holders := p.force(); len(holders) != 1 {
			t.Fatalf("%d holders", len(holders))
		}
		p.mu.Lock()
		if p.waiters.Kept() != before || w.Got != c {
			t.Error("the waiter was taken from the acquire that uses it")
		}
		p.mu.Unlock()
		<-w.Ready
		if got, err := p.answer(w, p.now()); got != c || err != nil {
			t.Errorf("granted %v, %v", got, err)
		}
		if cancelled {
			p.mu.Lock()
			p.giveBackLocked(c, outcome{}, nil)
			p.mu.Unlock()
		} else if got, err := p.begin(c, nil, p.now()); got != nil || !errors.Is(err, ErrClosed) {
			t.Errorf("a connection that was cut off is lent: %v, %v", got, err)
		}
		if s := p.Stats(); s.Open != 0 || s.InUse != 0 || s.AcquireCount != s.ReleaseCount || s.WaitCount != 1 { // that of the first acquire, for the dial
			t.Errorf("cancelled %v: %+v", cancelled, s)
		}
		p.mu.Lock()
		if c.state != slots.Gone {
			t.Errorf("cancelled %v: state %v", cancelled, c.state)
		}
		p.mu.Unlock()
	}
}

// noticed is a statement that notices its Close.
type noticed struct {
	driver.Stmt
	closed bool
}

func (n *noticed) Close() error {
	n.closed = true
	return nil
}

// What is not idle is left alone when a statement ends, because its loan's end sees to
// that: also when the end of the statement comes as late as it can.
func TestAStatementThatEndsDuringAReleaseIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Config{Connector: fakedb.Instant(), MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		loan, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c, st := loan.conn, new(noticed)
		src, _ := p.sources.Join("SELECT 1", false, func(*source) bool { return false })
		c.stmts.Hold(src, st)
		p.sources.HeldOn(src, c)
		done := outcome{} // the borrower has found nothing to do
		_, conns := p.sources.Leave(src, false)
		p.tidy(conns)
		p.giveBack(c, done)
		synctest.Wait()
		if !st.closed {
			t.Error("the statement is open on an idle connection")
		}
	})
}
