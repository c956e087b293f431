package sqlpool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestAPoolThatNeverHadAConnectionDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetDown(nil)
		var told states
		p := labOn(t, server, fakedb.Full, sqlpool.Config{Hooks: []sqlpool.Hooks{told.hook()}})
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 0 || !errors.Is(a.err, fakedb.ErrDown) {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		told.want(t, sqlpool.StateDown)
	})
}

// One bad dial among four is no wrong address.
func TestTheFirstDialsAreJudgedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.On(fakedb.Connect, fakedb.Fault{Times: 1, Err: errors.New("reset by peer")})
		server.On(fakedb.Connect, fakedb.Fault{Delay: 100 * time.Millisecond})
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 4, MinIdle: 4})
		a := <-queue(t.Context(), p)
		if a.err != nil || a.took != 100*time.Millisecond {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		_ = a.loan.Release()
	})
}

func TestAPermanentErrorFailsAtOnceUnlessAReleaseIsWorthWaitingFor(t *testing.T) {
	for _, code := range []string{"28P01", "28000", "3D000"} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := lab(t, sqlpool.Config{MaxConns: 2, FailFastAfter: time.Hour})
				loan := acquire(t, p)
				rotated := &fakedb.Error{Code: code, Msg: "no"}
				server.SetDown(rotated)
				waiter := queue(t.Context(), p)
				time.Sleep(5 * time.Second)
				_ = loan.Release()
				a := <-waiter
				if a.err != nil || a.took != 5*time.Second {
					t.Fatalf("after %v: %v", a.took, a.err)
				}
				_ = a.loan.Retire(nil)
				a = <-queue(t.Context(), p)
				if refused(t, a.err, sqlpool.ErrUnavailable); !errors.Is(a.err, rotated) || a.took > time.Second {
					t.Errorf("after %v: %v", a.took, a.err)
				}
			})
		})
	}
}

func TestAFullServerIsWaitedForWhileConnectionsAreInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2, FailFastAfter: time.Second, AcquireTimeout: time.Minute})
		loan := acquire(t, p)
		server.SetDown(&fakedb.Error{Code: "53300", Msg: "too many connections"})
		waiter := queue(t.Context(), p)
		time.Sleep(20 * time.Second)
		if s := p.Stats(); s.State != sqlpool.StateRetrying || s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
		_ = loan.Release()
		a := <-waiter
		_ = a.loan.Release()
		if a.took != 20*time.Second {
			t.Errorf("served after %v", a.took)
		}
	})
}

// A full server fails the first call of a new pool at once, as it does with database/sql.
// Where a hook says that it has no place for the connection yet, callers wait.
func TestANewPoolWaitsForAHookThatHasNoPlaceYetButNotForAFullServer(t *testing.T) {
	full := &fakedb.Error{Code: "53300", Msg: "too many connections"}
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2, FailFastAfter: 10 * time.Second, AcquireTimeout: time.Minute})
		server.SetDown(full)
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 0 || !errors.Is(a.err, full) {
			t.Errorf("after %v: %v", a.took, a.err)
		}
	})
	for _, c := range []struct {
		refusal error
		place   time.Duration // when there is one
		took    [2]time.Duration
		served  bool
	}{
		{sqlpool.ErrUnavailable, 3 * time.Second, [2]time.Duration{3 * time.Second, 4 * time.Second}, true},
		{sqlpool.ErrUnavailable, time.Hour, [2]time.Duration{10 * time.Second, 10 * time.Second}, false},
		{full, 3 * time.Second, [2]time.Duration{}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p, _ := lab(t, sqlpool.Config{MaxConns: 2, FailFastAfter: 10 * time.Second, AcquireTimeout: time.Minute, Hooks: []sqlpool.Hooks{{
				AfterConnect: func(context.Context, *sqlpool.Conn) error {
					if time.Since(began) < c.place {
						return fmt.Errorf("no place: %w", c.refusal)
					}
					return nil
				},
			}}})
			a := <-queue(t.Context(), p)
			if a.took < c.took[0] || a.took > c.took[1] || (a.err == nil) != c.served {
				t.Errorf("%v: after %v: %v", c.refusal, a.took, a.err)
			}
			if a.err == nil {
				_ = a.loan.Release()
			} else if !errors.Is(a.err, c.refusal) {
				t.Error(a.err)
			}
		})
	}
}

// A probe that meets silence must not stretch the callers' patience.
func TestTheCircuitOpensOnTimeAlthoughAProbeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told states
		p, server := lab(t, sqlpool.Config{MaxConns: 2, FailFastAfter: 3 * time.Second, ConnectTimeout: time.Minute,
			AcquireTimeout: time.Hour, Hooks: []sqlpool.Hooks{told.hook()}})
		loan := acquire(t, p)
		server.On(fakedb.Connect, fakedb.Fault{Times: 1, Err: errors.New("reset")})
		hung := server.On(fakedb.Connect, fakedb.Fault{Hang: fakedb.UntilReleased})
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 3*time.Second {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown)
		b := <-queue(t.Context(), p) // a probe is under way: no waiting for it
		if refused(t, b.err, sqlpool.ErrUnavailable); b.took != 0 {
			t.Errorf("after %v: %v", b.took, b.err)
		}
		hung.Release()
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown, sqlpool.StateUp)
		_ = loan.Release()
	})
}

// Classify and an error's own methods are code of the program: they may ask
// the pool, and may panic.
func TestClassifyRunsOutsideThePoolsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *sqlpool.Pool
		server := fakedb.New()
		var calls atomic.Int64
		p = labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Classify: func(err error) sqlpool.Class {
			_, _ = p.Stats(), p.Holders()
			if calls.Add(1) == 1 {
				panic("not expected")
			}
			return sqlpool.ClassPermanent
		}})
		server.SetDown(nil)
		for range 2 {
			_, err := p.Acquire(t.Context())
			refused(t, err, sqlpool.ErrUnavailable)
			time.Sleep(time.Minute)
		}
		if calls.Load() < 2 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}

// max_conns=4 without its prefix goes to the server as a parameter.
func TestAParameterThatTheServerDoesNotKnowMayBeASettingOfThePool(t *testing.T) {
	dial := &fakedb.Error{Code: "42704", Msg: `unrecognized configuration parameter "max_conns"`}
	err := &sqlpool.AcquireError{Pool: "app", Kind: sqlpool.ErrUnavailable, Dial: dial}
	if !strings.Contains(err.Error(), "settings of the pool begin with pool_ (pool_max_conns)") {
		t.Error(err)
	}
}
