package sqlpool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestASlotIsHeldUntilASlowCloseReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1})
		server.On(fakedb.Close, fakedb.Fault{Delay: 300 * time.Millisecond})
		loan := acquire(t, p)
		next := queue(t.Context(), p)
		start := time.Now()
		_ = loan.Retire(nil)
		if took := time.Since(start); took > 0 {
			t.Errorf("the borrower waited %v for the close", took)
		}
		synctest.Wait()
		if s := p.Stats(); s.Closing != 1 || s.Open != 1 || s.Dialing != 0 {
			t.Errorf("%+v", s)
		}
		a := <-next
		if a.took != 300*time.Millisecond {
			t.Errorf("served after %v", a.took)
		}
		_ = a.loan.Release()
	})
}

// The server is silent and Close hangs: after CloseTimeout the connection is
// cut and the slot is free, so that 50 callers are not held up by it.
func TestAHangingCloseIsCutAndItsSlotFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed []sqlpool.Closed
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{OnClose: func(c sqlpool.Closed) { closed = append(closed, c) }}}})
		hung := server.On(fakedb.Close, fakedb.Fault{Times: 1, Hang: fakedb.UntilAbort})
		loan := acquire(t, p)
		next := queue(t.Context(), p)
		why := errors.New("tired of it")
		_ = loan.Retire(why)
		a := <-next
		if a.took != 500*time.Millisecond || hung.Waiting() != 0 {
			t.Errorf("served after %v", a.took)
		}
		synctest.Wait()
		if len(closed) != 1 || closed[0].Reason != why || closed[0].Took != 500*time.Millisecond {
			t.Errorf("%+v", closed)
		}
		_ = a.loan.Release()
	})
}

func TestACloseDeafToEverythingLosesItsSlotToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		deaf := server.On(fakedb.Close, fakedb.Fault{Times: 1, Hang: fakedb.UntilReleased})
		dead := server.On(fakedb.Abort, fakedb.Fault{Times: 1, Hang: fakedb.UntilReleased})
		_ = acquire(t, p).Retire(nil)
		a := <-queue(t.Context(), p)
		if a.took != 550*time.Millisecond { // CloseTimeout, and a tenth of it for Abort
			t.Errorf("served after %v: %v", a.took, a.err)
		}
		_ = a.loan.Release()

		// Shutdown cannot say that nothing is left.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		dead.Release()
		deaf.Release()
	})
}

// What a refused new connection holds is bounded as well, and the caller does
// not wait for its close.
func TestARefusedNewConnectionGivesItsSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := errors.New("wrong search_path")
		var refuse atomic.Bool
		refuse.Store(true)
		var opened, closed int
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			AfterConnect: func(context.Context, *sqlpool.Conn) error {
				if refuse.Load() {
					return wrong
				}
				return nil
			},
			OnOpen:  func(o sqlpool.Opened) { opened += btoi(o.Conn != nil) },
			OnClose: func(sqlpool.Closed) { closed++ },
		}}})
		server.On(fakedb.Close, fakedb.Fault{Times: 1, Hang: fakedb.UntilAbort})
		a := <-queue(t.Context(), p)
		if e := refused(t, a.err, sqlpool.ErrUnavailable); !errors.Is(a.err, wrong) || e.Dial == nil || a.took != 0 {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		refuse.Store(false)
		time.Sleep(2 * time.Second)
		_ = acquire(t, p).Release()
		synctest.Wait()
		if opened != 1 || closed != 0 {
			t.Errorf("%d opened, %d closed in the eyes of the hooks", opened, closed)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A rollback that hangs in a driver that cannot be interrupted keeps its
// connection, but not its slot.
func TestASettlingThatHangsLosesItsSlot(t *testing.T) {
	for name, shape := range map[string]fakedb.Shape{"with Abort": fakedb.Full, "without": fakedb.NoAbort} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				var reasons []string
				p := labOn(t, server, shape, sqlpool.Config{MaxConns: 1, RollbackTimeout: time.Second,
					Hooks: []sqlpool.Hooks{{OnClose: func(c sqlpool.Closed) { reasons = append(reasons, sqlpool.ReasonCode(c.Reason)) }}}})
				loan := acquire(t, p)
				if err := loan.Conn().Exec(t.Context(), "BEGIN"); err != nil {
					t.Fatal(err)
				}
				hung := server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Hang: fakedb.UntilAbort, Times: 1})
				_ = loan.Release()
				next := queue(t.Context(), p)
				want := time.Second
				if name == "without" {
					want += 500 * time.Millisecond
					time.Sleep(want - 1)
					hung.Release() // just in time: else the server would see two
				}
				a := <-next
				if a.err != nil || a.took > want {
					t.Errorf("served after %v: %v", a.took, a.err)
				}
				_ = a.loan.Release()
				synctest.Wait()
				if len(reasons) != 1 || reasons[0] != sqlpool.CodeDirty {
					t.Errorf("reasons %v", reasons)
				}
			})
		})
	}
}

func TestADriverThatNeverReturnsFromARollbackDoesNotLoseTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p, err := sqlpool.New(sqlpool.Config{Connector: server.ConnectorAs(fakedb.NoAbort), MaxConns: 1, RollbackTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		loan := acquire(t, p)
		_ = loan.Conn().Exec(t.Context(), "BEGIN")
		hung := server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Hang: fakedb.UntilReleased})
		_ = loan.Release()
		a := <-queue(t.Context(), p)
		if a.err != nil || a.took != 1500*time.Millisecond {
			t.Fatalf("served after %v: %v", a.took, a.err)
		}
		_ = a.loan.Release()
		hung.Release()
		synctest.Wait()
		if c := server.Counts(); c.Live != 1 || c.Closes != 1 {
			t.Errorf("the abandoned connection is not closed: %+v", c)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}
