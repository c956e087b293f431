package sqlpool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestOneWaiterTooManyIsSaturated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, MaxWaiters: 2})
		loan := acquire(t, p)
		one, two := queue(t.Context(), p), queue(t.Context(), p)
		synctest.Wait()
		a := <-queue(t.Context(), p)
		e := refused(t, a.err, sqlpool.ErrSaturated)
		if a.took != 0 || e.Stats.Waiting != 2 || len(e.Holders) != 1 {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		if s := p.Stats(); s.SaturatedCount != 1 {
			t.Errorf("%+v", s)
		}
		_ = loan.Release()
		_ = (<-one).loan.Release()
		_ = (<-two).loan.Release()
	})
}

// A grant that proves dead does not cost the place in the queue, however full
// that is by then.
func TestAWaiterWithADeadGrantKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, MaxWaiters: 2})
		loan := acquire(t, p)
		one, two := queue(t.Context(), p), queue(t.Context(), p)
		synctest.Wait()
		server.On(fakedb.Close, fakedb.Fault{Delay: 10 * time.Millisecond})
		server.On(fakedb.ResetSession, fakedb.Fault{Times: 1, Err: fakedb.ErrAborted, Delay: time.Second})
		time.Sleep(time.Second)
		_ = loan.Release()
		synctest.Wait()
		three := queue(t.Context(), p) // takes the place that the first one left
		a := <-one
		if a.err != nil {
			t.Fatal(a.err)
		}
		time.Sleep(time.Second)
		_ = a.loan.Release()
		b := <-two
		_ = b.loan.Release()
		c := <-three
		_ = c.loan.Release()
		if b.err != nil || c.err != nil || b.took >= c.took+2*time.Second {
			t.Error(b, c)
		}
		if s := p.Stats(); s.AcquireCount != 4 || s.WaitCount != 4 || s.WaitTime != a.took+b.took+c.took {
			t.Errorf("the rejected grant is counted, or its wait is not: %+v", s)
		}
	})
}
