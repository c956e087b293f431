package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// storm is many borrowers that do to one pool whatever may happen to it. Its
// seed decides what each of them does; who meets whom is the scheduler's.
type storm struct {
	t      *testing.T
	seed   uint64
	pool   *sqlpool.Pool
	server *fakedb.DB

	owners sync.Map // connection → *atomic.Int64: who has it
	calm   atomic.Bool

	acquired, refused atomic.Int64
}

const (
	stormBorrowers = 64
	stormAcquires  = 110_000
)

func stormSeed(t *testing.T) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("SQLPOOL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("SQLPOOL_SEED: %v", err)
		}
	}
	t.Logf("to repeat: SQLPOOL_SEED=%d go test -run '^%s$' ./sqlpool", seed, t.Name())
	return seed
}

func TestAStormLeavesEverythingInItsPlace(t *testing.T) {
	s := &storm{t: t, seed: stormSeed(t)}
	synctest.Test(t, func(t *testing.T) {
		s.t = t
		s.server = fakedb.New()
		s.pool = labOn(t, s.server, fakedb.Full, sqlpool.Config{
			MaxConns: 8, MinIdle: 2, MaxDialing: 3, MaxWaiters: 60, AcquireTimeout: 200 * time.Millisecond,
			ConnectTimeout: 50 * time.Millisecond, CloseTimeout: 20 * time.Millisecond, PingTimeout: 20 * time.Millisecond,
			RollbackTimeout: 50 * time.Millisecond, SweepInterval: 25 * time.Millisecond, FailFastAfter: 100 * time.Millisecond,
			Backoff: sqlpool.Backoff{First: 5 * time.Millisecond, Max: 50 * time.Millisecond},
			Hooks:   []sqlpool.Hooks{s.hooks()},
		})
		s.server.Script(s.faults)
		var wg sync.WaitGroup
		for i := range stormBorrowers {
			rng := rand.New(rand.NewPCG(s.seed, uint64(i+1)))
			wg.Go(func() {
				for s.acquired.Load() < stormAcquires {
					s.borrow(rng, int64(i+1))
				}
			})
		}
		stop := make(chan struct{})
		watchers := s.disturb(stop)
		wg.Wait()
		close(stop)
		watchers.Wait()
		s.rest()
	})
}

// chance is true once in n times.
func chance(rng *rand.Rand, n int) bool { return rng.IntN(n) == 0 }

func (s *storm) borrow(rng *rand.Rand, me int64) {
	ctx, cancel := context.Background(), func() {}
	switch {
	case chance(rng, 10):
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(5_000_000)))
	case chance(rng, 20):
		var c context.CancelFunc
		ctx, c = context.WithCancel(ctx)
		timer := time.AfterFunc(time.Duration(rng.IntN(2_000_000)), c)
		cancel = func() { timer.Stop(); c() }
	}
	defer cancel()
	loan, err := s.pool.Acquire(ctx)
	if err != nil {
		var e *sqlpool.AcquireError
		if !errors.As(err, &e) {
			s.t.Errorf("not an AcquireError: %v", err)
		}
		s.refused.Add(1)
		time.Sleep(time.Millisecond)
		return
	}
	s.acquired.Add(1)
	c := loan.Conn()
	if c == nil {
		s.t.Error("a loan that was just granted is not held")
		return
	}
	any, _ := s.owners.LoadOrStore(c, new(atomic.Int64))
	owner := any.(*atomic.Int64)
	if other := owner.Swap(me); other != 0 {
		s.t.Errorf("borrowers %d and %d both have %v", me, other, c)
	}
	if chance(rng, 4) {
		time.Sleep(time.Duration(rng.IntN(300_000)))
	}
	if chance(rng, 3) {
		text := [...]string{"INSERT x", "BEGIN", "FAIL 23505", "SLEEP 1ms"}[rng.IntN(4)]
		_ = c.Exec(ctx, text)
	}
	if chance(rng, 100) {
		c.Raw().(*fakedb.Conn).Kill(fakedb.Death{Hidden: chance(rng, 4)})
	}
	if other := owner.Swap(0); other != me {
		s.t.Errorf("borrower %d was robbed of %v by %d", me, c, other)
	}
	if chance(rng, 50) {
		err = loan.Retire(nil)
	} else {
		err = loan.Release()
	}
	if err != nil {
		s.t.Error(err)
	}
	if chance(rng, 20) {
		if err := loan.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
			s.t.Errorf("a second release: %v", err)
		}
	}
}

// disturb kills everything now and then, takes the server away for a while,
// opens sessions that are hardly used, and looks whether Stats always balance.
func (s *storm) disturb(stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	every := func(d time.Duration, f func()) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(d):
					f()
				}
			}
		})
	}
	every(50*time.Millisecond, s.server.KillAll)
	every(time.Second, func() {
		s.server.SetDown(nil)
		time.Sleep(150 * time.Millisecond)
		s.server.SetUp()
	})
	every(10*time.Millisecond, func() {
		if c, err := s.pool.Connector().Connect(context.Background()); err == nil {
			time.Sleep(20 * time.Millisecond)
			if s.dice(3) {
				_, _ = c.(driver.ExecerContext).ExecContext(context.Background(), "GOODBYE", nil)
			}
			_ = c.Close()
		}
	})
	every(time.Millisecond, func() { balanced(s.t, s.pool.Stats()) })
	return &wg
}

// dice is the randomness of hooks and faults, which many goroutines share.
func (s *storm) dice(n uint64) bool { return !s.calm.Load() && rand.Uint64N(n) == 0 }

func (s *storm) faults(c fakedb.Call) fakedb.Fault {
	switch c.Point {
	case fakedb.Connect:
		switch {
		case s.dice(20):
			return fakedb.Fault{Err: io.ErrUnexpectedEOF}
		case s.dice(50):
			return fakedb.Fault{Hang: fakedb.UntilDone}
		case s.dice(100):
			return fakedb.Fault{Panic: "connect"}
		}
		return fakedb.Fault{Delay: 100 * time.Microsecond}
	case fakedb.Close:
		switch {
		case s.dice(50):
			return fakedb.Fault{Hang: fakedb.UntilAbort}
		case s.dice(50):
			return fakedb.Fault{Panic: "close"}
		}
		return fakedb.Fault{Delay: 50 * time.Microsecond}
	case fakedb.Ping:
		if s.dice(20) {
			return fakedb.Fault{Hang: fakedb.UntilAbort}
		}
	case fakedb.Alive:
		if s.dice(20) {
			return fakedb.Fault{Err: driver.ErrSkip}
		}
	case fakedb.Exec:
		if c.Text == "GOODBYE" { // as FATAL, which ends the session
			return fakedb.Fault{Kill: true, Err: &fakedb.Error{Code: "57P01"}}
		}
	case fakedb.ResetSession:
		if s.dice(500) {
			return fakedb.Fault{Panic: "reset"}
		}
	}
	return fakedb.Fault{}
}

func (s *storm) hooks() sqlpool.Hooks {
	mood := func() error {
		switch {
		case s.dice(2000):
			panic("hook")
		case s.dice(1000):
			return io.EOF
		}
		return nil
	}
	return sqlpool.Hooks{
		AfterConnect:  func(context.Context, *sqlpool.Conn) error { return mood() },
		BeforeAcquire: func(context.Context, *sqlpool.Conn) error { return mood() },
		AfterRelease: func(r sqlpool.Releasing) error {
			if s.dice(100) {
				r.Defer(func(context.Context, *sqlpool.Conn) error { return mood() })
			}
			return mood()
		},
		WhileIdle: func(context.Context, sqlpool.IdleConn) error { return mood() },
		OnOpen:    func(sqlpool.Opened) { _ = mood() },
		OnAcquire: func(sqlpool.Acquired) { _ = mood() },
		OnRelease: func(sqlpool.Released) { _ = mood() },
		OnClose: func(c sqlpool.Closed) {
			if c.Reason == nil {
				s.t.Error("a close without a reason")
			}
			_ = mood()
		},
		OnSweep: func(*sqlpool.Pool) { _ = mood() },
		OnState: func(sqlpool.StateChanged) { _ = mood() },
	}
}

// rest lets the weather clear and looks what is left. What a finished pool must
// look like, labOn checks afterwards.
func (s *storm) rest() {
	s.calm.Store(true)
	time.Sleep(5 * time.Second)
	synctest.Wait()
	st := s.pool.Stats()
	balanced(s.t, st)
	if got := uint64(s.acquired.Load()); st.AcquireCount < got {
		s.t.Errorf("%d loans, %d counted", got, st.AcquireCount)
	}
	if st.Open != st.Idle || st.Idle < 2 || st.AcquireCount != st.ReleaseCount || st.Waiting != 0 || st.State != sqlpool.StateUp {
		s.t.Errorf("after the storm: %+v", st)
	}
	s.t.Logf("%d acquired, %d refused: %+v", s.acquired.Load(), s.refused.Load(), st)
	for what, n := range map[string]uint64{
		"wait": st.WaitCount, "timeout": st.TimeoutCount, "cancel": st.CanceledCount, "refusal for want of room": st.SaturatedCount,
		"refusal for want of a server": st.UnavailableCount, "failed dial": st.DialErrorCount, "suspicion": st.Generation, "misuse": st.MisuseCount,
	} {
		if n == 0 {
			s.t.Errorf("not one %s: this proves less than it should", what)
		}
	}
}
