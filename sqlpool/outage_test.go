package sqlpool_test

import (
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var errSkip = driver.ErrSkip

// states collects the changes of state.
type states struct {
	mu   sync.Mutex
	seen []sqlpool.State
}

func (s *states) hook() sqlpool.Hooks {
	return sqlpool.Hooks{OnState: func(c sqlpool.StateChanged) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.seen); n > 0 && s.seen[n-1] != c.From {
			panic("a change was skipped or told out of order")
		}
		s.seen = append(s.seen, c.To)
	}}
}

func (s *states) want(t *testing.T, want ...sqlpool.State) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.seen, want) {
		t.Errorf("states %v, want %v", s.seen, want)
	}
}

func TestAnOutageGoesFromRetryingToDownAndBackUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told states
		p, server := lab(t, sqlpool.Config{MaxConns: 4, MinIdle: 2, FailFastAfter: 5 * time.Second, AcquireTimeout: time.Minute,
			Backoff: sqlpool.Backoff{NoJitter: true}, Hooks: []sqlpool.Hooks{told.hook()}})
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		server.SetDown(nil)
		server.KillAll()
		waiter := queue(t.Context(), p) // finds two dead ones, then waits for the database
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying)
		a := <-waiter
		e := refused(t, a.err, sqlpool.ErrUnavailable)
		if a.took < 5*time.Second || a.took > 5100*time.Millisecond || !errors.Is(a.err, fakedb.ErrDown) || e.Dial == nil || e.Phase != sqlpool.PhaseDialing {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown)

		// The circuit is open: no waiting, and the last dial error inside.
		for range 3 {
			b := <-queue(t.Context(), p)
			if refused(t, b.err, sqlpool.ErrUnavailable); b.took != 0 || !errors.Is(b.err, fakedb.ErrDown) {
				t.Errorf("after %v: %v", b.took, b.err)
			}
		}
		if s := p.Stats(); s.State != sqlpool.StateDown || s.UnavailableCount < 3 {
			t.Errorf("%+v", s)
		}

		server.SetUp()
		time.Sleep(1100 * time.Millisecond) // under demand the next probe is at most a second away
		synctest.Wait()
		if s := p.Stats(); s.State != sqlpool.StateUp || s.Idle != 2 {
			t.Errorf("not back, or MinIdle not refilled: %+v", s)
		}
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown, sqlpool.StateUp)
	})
}

// The last connection keeps the circuit closed, because it may come back. When it is
// lost, no dial has to fail for the change to be told.
func TestTheLossOfTheLastConnectionTellsThatTheDatabaseIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told states
		p, server := lab(t, sqlpool.Config{MaxConns: 2, Backoff: sqlpool.Backoff{NoJitter: true}, Hooks: []sqlpool.Hooks{told.hook()}})
		loan := acquire(t, p)
		server.SetDown(&fakedb.Error{Code: "28P01"})
		waiter := queue(t.Context(), p)
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying)
		must(t, loan.Retire(nil))
		a := <-waiter
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 0 {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown)
	})
}

func TestWhileDownThereIsOneProbeAtATimeOnTheBackoffsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 8, MinIdle: 4, MaxDialing: 4, Backoff: sqlpool.Backoff{NoJitter: true}})
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		var mu sync.Mutex
		start := time.Now()
		server.SetDown(nil)
		server.Script(func(c fakedb.Call) fakedb.Fault {
			if c.Point == fakedb.Connect {
				mu.Lock()
				at = append(at, time.Since(start))
				mu.Unlock()
			}
			return fakedb.Fault{}
		})
		for range 4 {
			_ = acquire(t, p).Retire(nil)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		// Four dials were under way when the first failed: to the backoff one
		// failure. No acquire waits: 100 ms doubling to 16 s.
		want := []time.Duration{100, 300, 700, 1500, 3100, 6300, 12700, 25500, 41500, 57500}
		at = slices.DeleteFunc(at, func(d time.Duration) bool { return d == 0 })
		if len(at) != len(want) {
			t.Fatalf("probes at %v, want %v ms", at, want)
		}
		for i := range want {
			if at[i] != want[i]*time.Millisecond {
				t.Fatalf("probes at %v, want %v ms", at, want)
			}
		}
	})
}

func TestAnIdlePoolHealsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MinIdle: 2})
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.SetDown(nil)
		for range 2 {
			_ = acquire(t, p).Retire(nil)
		}
		time.Sleep(time.Hour)
		server.SetUp()
		time.Sleep(16 * time.Second)
		if s := p.Stats(); s.Idle != 2 || s.State != sqlpool.StateUp {
			t.Errorf("%+v", s)
		}
	})
}

// After a quiet night the first caller is refused like any other, at once, but
// told how old the news is; the next one is served.
func TestAnOldRefusalBringsAProbeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetDown(nil)
		p := labOn(t, server, fakedb.Full, sqlpool.Config{Backoff: sqlpool.Backoff{First: time.Hour, Max: time.Hour, NoJitter: true}})
		_, err := p.Acquire(t.Context())
		refused(t, err, sqlpool.ErrUnavailable)
		time.Sleep(30 * time.Minute)
		server.SetUp()
		start := time.Now()
		_, err = p.Acquire(t.Context())
		refused(t, err, sqlpool.ErrUnavailable)
		if took := time.Since(start); took != 0 || !strings.Contains(err.Error(), "last dial, 30m0s ago: ") {
			t.Errorf("after %v: %v", took, err)
		}
		synctest.Wait()
		_ = acquire(t, p).Release()
	})
}

func TestDemandBringsTheNextProbeWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetDown(nil)
		p := labOn(t, server, fakedb.Full, sqlpool.Config{Backoff: sqlpool.Backoff{First: time.Hour, Max: time.Hour, NoJitter: true}})
		start := time.Now()
		for time.Since(start) < 10*time.Second { // refused 100 times a second
			if a := <-queue(t.Context(), p); a.took > 0 {
				t.Fatalf("waited %v", a.took)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if c := server.Counts(); c.ConnectsTried < 10 || c.ConnectsTried > 11 {
			t.Errorf("%d dials in 10 s", c.ConnectsTried)
		}
		synctest.Wait() // a probe that is due now fails still, and would take the next wish for the one it answers
		server.SetUp()
		<-queue(t.Context(), p) // an acquire waits still
		time.Sleep(time.Second)
		synctest.Wait()
		_ = acquire(t, p).Release()
	})
}

func TestAWaiterHasTheNextProbeWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2, Backoff: sqlpool.Backoff{First: time.Hour, Max: time.Hour, NoJitter: true}})
		loan := acquire(t, p)
		server.On(fakedb.Connect, fakedb.Fault{Times: 3, Err: io.EOF})
		a := <-queue(t.Context(), p)
		if a.err != nil || a.took != 3*time.Second {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		_, _ = loan.Release(), a.loan.Release()
	})
}
