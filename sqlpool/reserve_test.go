package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// reservedSession opens a session as database/sql's opener does, and does not use it.
func reservedSession(t *testing.T, p *sqlpool.Pool) driver.Conn {
	t.Helper()
	c, err := p.Connector().Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func execOn(t *testing.T, c driver.Conn, text string) error {
	t.Helper()
	_, err := c.(driver.ExecerContext).ExecContext(t.Context(), text, nil)
	return err
}

func TestAReservationIsRevokedForAWaiterAfterItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1})
		session := reservedSession(t, p)
		if s := p.Stats(); s.InUse != 1 || s.AcquireCount != 0 || len(p.Holders()) != 0 {
			t.Errorf("reserved: %+v", s)
		}
		a := <-queue(t.Context(), p)
		if a.took != 5*time.Millisecond {
			t.Errorf("served after %v", a.took)
		}
		done := make(chan error, 1)
		go func() { done <- execOn(t, session, "INSERT x") }() // waits like any other acquire
		time.Sleep(time.Second)
		_ = a.loan.Release()
		if err := <-done; err != nil || server.Written("x") != 1 {
			t.Errorf("the revoked session: %v", err)
		}
		_ = session.(driver.Validator).IsValid()
		if s := p.Stats(); s.AcquireCount != 2 || s.ReleaseCount != 2 || s.Idle != 1 {
			t.Errorf("%+v", s)
		}
		_ = session.Close()
	})
}

func TestANewcomerTakesAReservationThatIsPastItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		session := reservedSession(t, p)
		time.Sleep(5 * time.Millisecond)
		a := <-queue(t.Context(), p)
		if a.err != nil || a.took != 0 {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		_, _ = session.Close(), a.loan.Release()
	})
}

func TestAReservationIsClaimedAtItsFirstUseAndCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, SweepInterval: time.Hour, Hooks: []sqlpool.Hooks{{
			OnAcquire: func(a sqlpool.Acquired) { waits = append(waits, a.Waited) },
		}}})
		session := reservedSession(t, p)
		time.Sleep(10 * time.Second)
		if err := execOn(t, session, "INSERT x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if h := p.Holders(); len(h) != 1 || h[0].Held != time.Second || h[0].LastStatement != "INSERT x" {
			t.Errorf("holders %+v", h)
		}
		_ = session.(driver.Validator).IsValid()
		if s := p.Stats(); s.AcquireCount != 1 || s.ReleaseCount != 1 {
			t.Errorf("%+v", s)
		}
		if len(waits) != 1 || waits[0] != 0 {
			t.Errorf("waited %v: a reservation is no waiting", waits)
		}
		_ = session.Close()
	})
}

// What was found out when a connection was reserved is old at a later first use: the
// statement that comes then must not be the one that finds out.
func TestAnOldReservationIsCheckedAtItsFirstUse(t *testing.T) {
	for name, age := range map[string]time.Duration{"old": 10 * time.Second, "of an older generation": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := lab(t, sqlpool.Config{MaxConns: 2, SweepInterval: time.Hour})
				other, session := reservedSession(t, p), reservedSession(t, p)
				time.Sleep(age)
				server.KillAllWith(fakedb.Death{Sent: true})
				if age == 0 {
					if err := execOn(t, other, "INSERT y"); !errors.Is(err, sqlpool.ErrConnLost) {
						t.Errorf("on a connection that has just died: %v", err)
					}
				}
				if err := execOn(t, session, "INSERT x"); err != nil || server.Written("x") != 1 {
					t.Errorf("the first use of a reservation whose connection is dead: %v, %d rows", err, server.Written("x"))
				}
				for _, s := range []driver.Conn{other, session} {
					_ = s.(driver.Validator).IsValid()
					_ = s.Close()
				}
			})
		})
	}
}

func TestTheSweepTakesBackWhatWasReservedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		session := reservedSession(t, p)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 1 || s.InUse != 0 || s.AcquireCount != s.ReleaseCount {
			t.Errorf("%+v", s)
		}
		if err := execOn(t, session, "x"); err != nil {
			t.Error(err)
		}
		_ = session.(driver.Validator).IsValid()
		_ = session.Close()
	})
}

func TestAReservationDoesNotHoldUpShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 2})
		session := reservedSession(t, p)
		start := time.Now()
		if err := p.Close(); err != nil || time.Since(start) > 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := execOn(t, session, "x"); err == nil {
			t.Error("a session of a closed pool executes")
		}
		_ = session.Close()
	})
}

// The pool closes between the grant of a session's first connection and its reservation.
func TestAReservationInAClosedPoolIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *sqlpool.Pool
		server := fakedb.New()
		closed := make(chan error, 1)
		p = labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			BeforeAcquire: func(context.Context, *sqlpool.Conn) error {
				go func() { closed <- p.Close() }()
				time.Sleep(time.Second)
				return nil
			},
		}}})
		start := time.Now()
		session := reservedSession(t, p)
		if err := <-closed; err != nil || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := execOn(t, session, "x"); err == nil {
			t.Error("a session of a closed pool executes")
		}
		_ = session.Close()
	})
}

// A reservation has a number of its own: the borrower that had the connection before must
// not be able to release it.
func TestAStaleReleaseDoesNotReachAReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		stale := acquire(t, p)
		_ = stale.Release()
		session := reservedSession(t, p)
		if err := stale.Release(); !errors.Is(err, sqlpool.ErrNotHeld) || p.Stats().InUse != 1 {
			t.Errorf("the release of an ended loan: %v, %+v", err, p.Stats())
		}
		_ = session.Close()
		loan := acquire(t, p)
		if n := loan.Conn().Loans(); n != 2 {
			t.Errorf("loan %d, want the second", n)
		}
		if err := stale.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
			t.Error(err)
		}
		_ = loan.Release()
	})
}

// Opening, using, revoking and shutting down at once: whichever comes first, no
// connection has two owners and none is lost. The race detector watches.
func TestSessionsReserveAndClaimWhileOthersRevokeAndShutDown(t *testing.T) {
	for range 200 {
		server := fakedb.New()
		p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), MaxConns: 2, SweepInterval: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for range 10 {
					c, err := p.Connector().Connect(context.Background())
					if err != nil {
						return
					}
					if i%2 == 0 {
						_, _ = c.(driver.ExecerContext).ExecContext(context.Background(), "x", nil)
						_ = c.(driver.Validator).IsValid()
					}
					_ = c.Close()
				}
			})
		}
		wg.Go(func() { _ = p.Close() })
		wg.Wait()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		audit(t, p, server)
	}
}
