package sqlpool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestASecondReleaseIsCaughtAndHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		first := acquire(t, p)
		copied := first
		_ = first.Release()
		second := acquire(t, p) // the same connection, another borrower
		for _, stale := range []sqlpool.Loan{first, copied} {
			if err := stale.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
				t.Errorf("release: %v", err)
			}
			if err := stale.Retire(errors.New("no reason of its own")); !errors.Is(err, sqlpool.ErrNotHeld) {
				t.Errorf("retire: %v", err)
			}
			if stale.Conn() != nil {
				t.Error("a stale loan shows its connection")
			}
		}
		if second.Conn() == nil || second.Conn().Ping(t.Context()) != nil {
			t.Error("the present borrower lost its connection")
		}
		if s := p.Stats(); s.MisuseCount != 4 || s.InUse != 1 || s.ReleaseCount != 1 {
			t.Errorf("%+v", s)
		}
		_ = second.Release()
		var zero sqlpool.Loan
		if err := zero.Release(); !errors.Is(err, sqlpool.ErrNotHeld) || zero.Conn() != nil {
			t.Errorf("the zero Loan: %v", err)
		}
	})
}

// The second release comes while the first one is under way.
func TestAReleaseWithinTheReleaseIsCaught(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loan sqlpool.Loan
		var again []error
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			AfterRelease: func(sqlpool.Releasing) error { again = append(again, loan.Release()); return nil },
			OnRelease:    func(sqlpool.Released) { again = append(again, loan.Retire(nil)) },
		}}})
		loan = acquire(t, p)
		if err := loan.Release(); err != nil {
			t.Error(err)
		}
		if len(again) != 2 || !errors.Is(again[0], sqlpool.ErrNotHeld) || !errors.Is(again[1], sqlpool.ErrNotHeld) {
			t.Errorf("within the release: %v", again)
		}
		if s := p.Stats(); s.MisuseCount != 2 || s.Idle != 1 || s.ReleaseCount != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// The slot is lost to what still uses the connection. A second release must not close it
// under that, which gives it back later.
func TestASecondReleaseLeavesAnAbandonedConnectionAlone(t *testing.T) {
	caught := func(t *testing.T, p *sqlpool.Pool, err error) {
		t.Helper()
		if s := p.Stats(); !errors.Is(err, sqlpool.ErrNotHeld) || s.MisuseCount != 1 {
			t.Errorf("the second release: %v, %+v", err, s)
		}
	}
	t.Run("during the rollback after the first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := fakedb.New()
			p := labOn(t, server, fakedb.NoAbort, sqlpool.Config{MaxConns: 1, RollbackTimeout: time.Second})
			loan := acquire(t, p)
			must(t, loan.Conn().Exec(t.Context(), "BEGIN"))
			hung := server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Hang: fakedb.UntilReleased})
			must(t, loan.Release())
			time.Sleep(2 * time.Second) // RollbackTimeout and CloseTimeout
			caught(t, p, loan.Release())
			synctest.Wait()
			if n := server.Counts().Closes; n != 0 {
				t.Errorf("closed %d times while the driver executes", n)
			}
			hung.Release()
			synctest.Wait()
			if n := server.Counts().Closes; n != 1 {
				t.Errorf("closed %d times", n)
			}
		})
	})
	t.Run("within the first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var loan sqlpool.Loan
			var again error
			p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{AfterRelease: func(r sqlpool.Releasing) error {
				if number, _, _ := r.Conn.Lending(); !r.Conn.Reclaim(number) {
					t.Error("not reclaimed")
				}
				again = loan.Release()
				return nil
			}}}})
			loan = acquire(t, p)
			must(t, loan.Release())
			caught(t, p, again)
			synctest.Wait()
			if n := server.Counts().Closes; n != 1 {
				t.Errorf("closed %d times", n)
			}
		})
	})
}

func TestAConnectionCountsItsLoans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		var helds []time.Duration
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			OnAcquire: func(a sqlpool.Acquired) { waits = append(waits, a.Waited) },
			OnRelease: func(r sqlpool.Released) { helds = append(helds, r.Held) },
		}}})
		_ = acquire(t, p).Release()
		loan := acquire(t, p)
		if n := loan.Conn().Loans(); n != 2 {
			t.Errorf("loan %d, want the second", n)
		}
		next := queue(t.Context(), p)
		time.Sleep(3 * time.Second)
		_ = loan.Release()
		a := <-next
		if n := a.loan.Conn().Loans(); n != 3 {
			t.Errorf("loan %d, want the third", n)
		}
		_ = a.loan.Release()
		if len(waits) != 3 || waits[1] != 0 || waits[2] != 3*time.Second || helds[1] != 3*time.Second || helds[2] != 0 {
			t.Errorf("waited %v, held %v", waits, helds)
		}
	})
}

type origin string

func (o origin) String() string {
	if o == "panic" {
		panic("no symbols")
	}
	return string(o)
}

// What is said of a holder is of this loan, not of the one before.
func TestHoldersAreOfThePresentLoan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := origin("main.go:12")
		p, _ := lab(t, sqlpool.Config{MaxConns: 2, Hooks: []sqlpool.Hooks{{OnAcquire: func(a sqlpool.Acquired) {
			if name != "" {
				a.SetOrigin(name)
			}
		}}}})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		name = "panic"
		second := acquire(t, p)
		time.Sleep(time.Second)
		h := p.Holders()
		if len(h) != 2 || h[0].Held != 2*time.Second || h[0].LastStatement != "INSERT x" || !h[0].InTransaction || h[0].Origin != "main.go:12" {
			t.Fatalf("%+v", h)
		}
		if h[1].Held != time.Second || h[1].LastStatement != "" || h[1].Origin == "" {
			t.Errorf("%+v", h[1])
		}
		_, _ = tx.Commit(), second.Release()
		name = ""
		again := []sqlpool.Loan{acquire(t, p), acquire(t, p)}
		for _, h := range p.Holders() {
			if h.Held != 0 || h.LastStatement != "" || h.InTransaction || h.Origin != "" {
				t.Errorf("left over from an earlier loan: %+v", h)
			}
		}
		_, _ = again[0].Release(), again[1].Release()
		if h := p.Holders(); len(h) != 0 {
			t.Errorf("%+v", h)
		}
	})
}
