package sqlpool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestACallerThatWouldNotWaitIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		start := time.Now()
		_, err := p.TryAcquire(t.Context())
		refused(t, err, sqlpool.ErrNoneIdle)
		time.Sleep(2 * time.Second) // it has had a connection dialed for the next one
		synctest.Wait()             // for the sweep of this instant, which has the idle connection in hand
		loan, err := p.TryAcquire(t.Context())
		must(t, err)
		_, err = db.ExecContext(sqlpool.NoWait(t.Context()), "SELECT 1")
		if e := refused(t, err, sqlpool.ErrNoneIdle); len(e.Holders) != 1 || e.Waited != 0 {
			t.Errorf("it does not name the holder: %v", err)
		}
		waiting := queue(t.Context(), p)
		must(t, loan.Release())
		got := <-waiting
		must(t, got.err)
		must(t, got.loan.Release())
		if _, err = db.ExecContext(sqlpool.NoWait(t.Context()), "SELECT 1"); err != nil {
			t.Errorf("with an idle connection: %v", err)
		}
		if s := p.Stats(); s.DialCount != 1 || s.SaturatedCount != 2 || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %+v", time.Since(start), s)
		}
		if errors.Is(err, sqlpool.ErrSaturated) {
			t.Error("nothing is saturated")
		}
	})
}
