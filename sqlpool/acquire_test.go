package sqlpool_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestAcquiresAreServedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 2})
		first, second := acquire(t, p), acquire(t, p)
		var order []int
		for i := range 20 {
			go func() {
				loan := acquire(t, p)
				order = append(order, i)
				time.Sleep(time.Second)
				_ = loan.Release()
			}()
			synctest.Wait()
		}
		_ = first.Release() // the other one stays out, so that one at a time is served
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("served in the order %v", order)
			}
		}
		if len(order) != 20 {
			t.Errorf("%d of 20 were served", len(order))
		}
		_ = second.Release()
	})
}

// A release grants the connection to a waiter: a newcomer cannot come in between.
func TestAReleasedConnectionGoesStraightToTheFirstWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1})
		loan := acquire(t, p)
		first := queue(t.Context(), p)
		time.Sleep(3 * time.Second)
		_ = loan.Release()
		if s := p.Stats(); s.Idle != 0 || s.InUse != 1 || s.Waiting != 0 {
			t.Errorf("after the release: %+v", s)
		}
		late := queue(t.Context(), p)
		a := <-first
		if a.err != nil || a.took != 3*time.Second {
			t.Errorf("served after %v: %v", a.took, a.err)
		}
		_ = a.loan.Release()
		b := <-late
		_ = b.loan.Release()
		s := p.Stats()
		if s.WaitCount != 3 || s.WaitTime != 3*time.Second || s.MaxWait != 3*time.Second || s.AcquireCount != 3 {
			t.Errorf("waits: %+v", s)
		}
		if c := server.Counts(); c.Connects != 1 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

func TestTheIdleConnectionUsedLastIsLentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 3})
		a, b, c := acquire(t, p), acquire(t, p), acquire(t, p)
		last := b.Conn().ID()
		_, _, _ = a.Release(), c.Release(), b.Release()
		loan := acquire(t, p)
		if loan.Conn().ID() != last {
			t.Errorf("lent connection %d, want %d", loan.Conn().ID(), last)
		}
		_ = loan.Release()
	})
}

func TestAnAcquireTimeoutSaysWhatToTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{Name: "orders", MaxConns: 1, AcquireTimeout: 2 * time.Second})
		loan := acquire(t, p)
		time.Sleep(time.Second)
		other := queue(t.Context(), p)
		time.Sleep(time.Second)
		_, err := p.Acquire(t.Context())
		e := refused(t, err, sqlpool.ErrAcquireTimeout)
		if e.Phase != sqlpool.PhaseWaiting || e.Waited != 2*time.Second || e.Cause != nil || e.Dial != nil ||
			e.Stats.InUse != 1 || len(e.Holders) != 1 || e.Holders[0].Held != 4*time.Second || e.Pool != "orders" {
			t.Errorf("%+v", e)
		}
		const want = `sqlpool "orders": acquire timed out after 2s while waiting for a connection; ` +
			`connections: 1 in use, 0 idle, 0 dialing, 0 closing, at most 1; acquires that wait: 0; ` +
			`raise MaxConns (pool_max_conns) or AcquireTimeout (pool_acquire_timeout), or let the holders finish sooner; connection 1 held for 4s`
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("AcquireTimeout passes for a deadline of the caller's")
		}
		if a := <-other; a.took != 2*time.Second {
			t.Errorf("the other one gave up after %v: %v", a.took, a.err)
		}
		_ = loan.Release()
		if s := p.Stats(); s.TimeoutCount != 2 || s.AcquireCount != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheContextsDeadlineIsATimeoutThatUnwrapsToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		loan := acquire(t, p)
		slow := errors.New("the page took too long")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, slow)
		defer cancel()
		_, err := p.Acquire(ctx)
		e := refused(t, err, sqlpool.ErrAcquireTimeout)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, slow) || e.Waited != time.Second {
			t.Errorf("%+v", e)
		}
		if strings.Contains(err.Error(), "or AcquireTimeout") {
			t.Errorf("the hint is not AcquireTimeout: %v", err)
		}
		_ = loan.Release()
	})
}

func TestACallersCancelIsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		loan := acquire(t, p)
		gone := errors.New("the client went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		a := queue(ctx, p)
		time.Sleep(time.Second)
		cancel(gone)
		err := (<-a).err
		refused(t, err, nil)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, gone) || errors.Is(err, sqlpool.ErrAcquireTimeout) {
			t.Error(err)
		}
		if _, err := p.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context acquires: %v", err)
		}
		if s := p.Stats(); s.CanceledCount != 2 || s.TimeoutCount != 0 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		_ = loan.Release()
	})
}

// A grant that crosses the end of its waiter's wait goes to the next one.
// Whether the two cross in a given round is up to the scheduler; the outcome
// must be right in all of them.
func TestAGrantThatItsWaiterCannotUseIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, AcquireTimeout: time.Second})
		won := 0
		for round := range 3000 {
			loan := acquire(t, p)
			ctx, cancel := context.WithCancel(t.Context())
			first := queue(ctx, p)
			time.Sleep(time.Second - 1)
			next := queue(t.Context(), p)
			synctest.Wait()
			if round%2 == 0 {
				cancel()
			} else {
				time.Sleep(time.Nanosecond) // the first one's timeout
			}
			_ = loan.Release()
			if a := <-first; a.err == nil {
				won++
				_ = a.loan.Release()
			}
			a := <-next
			if a.err != nil {
				t.Fatalf("round %d: the next one got nothing: %v", round, a.err)
			}
			_ = a.loan.Release()
			cancel()
			synctest.Wait()
			s := p.Stats()
			balanced(t, s)
			if s.Idle != 1 || s.AcquireCount != s.ReleaseCount {
				t.Fatalf("round %d: %+v", round, s)
			}
		}
		t.Logf("%d of 3000 firsts won", won)
	})
}

func TestNoWakeupIsLostBetweenNoneIdleAndTheQueue(t *testing.T) {
	p, _ := lab(t, sqlpool.Config{MaxConns: 1})
	const each = 20000
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range each {
				loan, err := p.Acquire(context.Background())
				if err != nil { // after 30 s: an acquire has missed a release
					t.Error(err)
					return
				}
				_ = loan.Release()
			}
		}()
	}
	for range 4 {
		<-done
	}
	if s := p.Stats(); s.AcquireCount != 4*each || s.Idle != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOneDeadlineCoversWaitingDialingAndValidating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := labOn(t, server, fakedb.NoAlive, sqlpool.Config{MaxConns: 1, AcquireTimeout: time.Second, PingTimeout: time.Minute})
		loan := acquire(t, p)
		_ = loan.Release()
		time.Sleep(time.Minute)
		server.On(fakedb.Ping, fakedb.Fault{Times: 1, Hang: fakedb.UntilAbort}) // deaf to its context
		a := <-queue(t.Context(), p)
		e := refused(t, a.err, sqlpool.ErrAcquireTimeout)
		if a.took != time.Second || e.Phase != sqlpool.PhaseValidating {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		connect := server.On(fakedb.Connect, fakedb.Fault{Times: 1, Hang: fakedb.UntilReleased, Err: io.EOF})
		a = <-queue(t.Context(), p)
		e = refused(t, a.err, sqlpool.ErrAcquireTimeout)
		if a.took != time.Second || e.Phase != sqlpool.PhaseDialing || !strings.Contains(a.err.Error(), "raise ConnectTimeout (pool_connect_timeout) or MaxDialing (pool_max_dialing)") {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		time.Sleep(6 * time.Second) // ConnectTimeout and CloseTimeout: the slot comes back
		connect.Release()
		synctest.Wait() // what came too late has been closed
		loan = acquire(t, p)
		_ = loan.Release()
	})
}

// unending has a deadline and never ends.
type unending struct {
	context.Context
	deadline time.Time
	done     chan struct{}
}

func (c unending) Deadline() (time.Time, bool) { return c.deadline, true }

func (c unending) Done() <-chan struct{} { return c.done }

// AcquireTimeout bounds a wait whatever the context's deadline says: a context that
// is another program's code may have one and never end.
func TestAcquireTimeoutBoundsAContextThatNeverEnds(t *testing.T) {
	for _, after := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p, _ := lab(t, sqlpool.Config{MaxConns: 1, AcquireTimeout: 3 * time.Second})
			loan := acquire(t, p)
			waits := queue(unending{t.Context(), time.Now().Add(after), make(chan struct{})}, p)
			select {
			case a := <-waits:
				if refused(t, a.err, sqlpool.ErrAcquireTimeout); a.took != 3*time.Second {
					t.Errorf("deadline after %v: refused after %v", after, a.took)
				}
			case <-time.After(time.Minute):
				t.Errorf("deadline after %v: not refused", after)
			}
			_ = loan.Release()
		})
	}
}
