package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// kept returns a pool of one connection, and a session that keeps it.
func kept(t *testing.T, cfg Config) (*Pool, *session) {
	t.Helper()
	cfg.Connector, cfg.MaxConns = fakedb.Instant(), 1
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	conn, err := p.openSession(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s := conn.(*session)
	for range 3 { // the pool has to see that loans follow each other
		use(t, s)
	}
	if s.keptAt == 0 {
		t.Fatal("the session has not kept its connection")
	}
	return p, s
}

// use does with a session what package sql does for one statement.
func use(t *testing.T, s *session) {
	t.Helper()
	if err := s.ResetSession(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := s.ExecContext(context.Background(), "noop", nil); err != nil {
		t.Error(err)
	}
	if !s.IsValid() {
		t.Error("the session is not valid")
	}
}

func TestAKeptConnectionIsIdleToEverybodyElse(t *testing.T) {
	p, s := kept(t, Config{})
	if s := p.Stats(); s.Idle != 1 || s.InUse != 0 || s.Open != 1 || s.AcquireCount != 3 || s.ReleaseCount != 3 || s.PeakInUse != 1 {
		t.Errorf("%+v", s)
	}
	if h := p.Holders(); len(h) != 0 {
		t.Errorf("held: %v", h)
	}
	if _, _, ok := s.conn.Lending(); ok {
		t.Error("lent to nobody, and yet lent")
	}
	if s.conn.Reclaim(s.conn.number()) {
		t.Error("reclaimed from nobody")
	}
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Idle != 0 || s.InUse != 1 || s.AcquireCount != 4 || s.ReleaseCount != 3 || s.WaitCount != 1 { // for the dial
		t.Errorf("%+v", s)
	}
	if n := loan.Conn().Loans(); n != 4 {
		t.Errorf("loan %d, want the fourth", n)
	}
	_ = loan.Release()
	use(t, s) // it finds that its connection was taken
	if s := p.Stats(); s.AcquireCount != 5 || s.ReleaseCount != 5 || s.DialCount != 1 {
		t.Errorf("%+v", s)
	}
}

func TestASessionThatKeepsAConnectionGivesItToWhoeverQueues(t *testing.T) {
	p, s := kept(t, Config{})
	if err := s.ResetSession(context.Background()); err != nil || s.sticky != nil {
		t.Fatal(err, s.sticky)
	}
	got := make(chan error)
	go func() {
		loan, err := p.Acquire(context.Background())
		if err == nil {
			err = loan.Release()
		}
		got <- err
	}()
	for p.Stats().Waiting == 0 {
	}
	s.IsValid()
	if s.keptAt != 0 {
		t.Error("kept although somebody waits")
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// A connection at rest is idle after two ticks, and the clock stops.
func TestAKeptConnectionComesToRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := kept(t, Config{})
		word := s.keptAt
		time.Sleep(5 * keepTick)
		p.mu.Lock()
		if len(p.idle) != 1 || p.inUse != 0 || p.terms.has(termKeep) {
			t.Errorf("%d idle, %d in use, ticking %v", len(p.idle), p.inUse, p.terms.has(termKeep))
		}
		p.mu.Unlock()
		if s.keptAt != word {
			t.Error("the pool wrote to a session that it does not own")
		}
		use(t, s)
		if s := p.Stats(); s.AcquireCount != 4 || s.ReleaseCount != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// Whatever waits for the end of a loan does not wait for ever because a session
// is busy.
func TestABusySessionPartsWithItsConnectionOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := kept(t, Config{})
		first := s.conn
		done := make(chan error)
		go func() { done <- p.Recycle(context.Background(), 0) }()
		for range 100 {
			time.Sleep(keepTick / 10)
			use(t, s)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if first.state != stateGone {
			t.Error("a busy session has kept its connection from being recycled")
		}
	})
}

func TestHooksSeeEveryLoanOfAKeptConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acquired, released []uint64
		var held time.Duration
		_, s := kept(t, Config{Hooks: []Hooks{{
			OnAcquire: func(e Acquired) { acquired = append(acquired, e.Conn.Loans()) },
			OnRelease: func(e Released) { released = append(released, e.Conn.Loans()); held = e.Held },
		}}})
		time.Sleep(keepTick / 2)
		if err := s.ResetSession(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(keepTick / 4)
		s.IsValid()
		want := []uint64{1, 2, 3, 4}
		if !equal(acquired, want) || !equal(released, want) {
			t.Errorf("acquired %v, released %v", acquired, released)
		}
		if held != keepTick/4 {
			t.Errorf("held for %v, want %v", held, keepTick/4)
		}
	})
}

func equal(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestASuspectConnectionIsNotResumed(t *testing.T) {
	p, s := kept(t, Config{})
	c := s.conn
	p.suspectAll(c, errors.New("evidence"))
	use(t, s)
	if c.proven != 1 {
		t.Error("resumed without a proof of life")
	}
	if s := p.Stats(); s.AcquireCount != 4 || s.ReleaseCount != 4 || s.Idle != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNothingIsKeptFromBeforeAcquireHooks(t *testing.T) {
	n := 0
	p, err := New(Config{Connector: fakedb.Instant(), MaxConns: 1, Hooks: []Hooks{{
		BeforeAcquire: func(context.Context, *Conn) error { n++; return nil },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn, err := p.openSession(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		use(t, conn.(*session))
	}
	if n != 11 { // the loan that was parked was asked for too
		t.Errorf("asked %d times", n)
	}
}

func TestShutdownTakesKeptConnections(t *testing.T) {
	p, s := kept(t, Config{})
	if err := p.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	_ = s.ResetSession(context.Background())
	if _, err := s.ExecContext(context.Background(), "noop", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if s := p.Stats(); s.Open != 0 || s.AcquireCount != s.ReleaseCount {
		t.Errorf("%+v", s)
	}
}

func TestAClosedSessionLeavesItsKeptConnectionIdle(t *testing.T) {
	p, s := kept(t, Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) != 1 {
		t.Error("not idle")
	}
}

// resetter refuses to be used again.
func TestAKeptConnectionThatCannotBeResetIsReplaced(t *testing.T) {
	p, s := kept(t, Config{})
	first := s.conn
	first.can.reset = func(context.Context) error { return driver.ErrBadConn }
	use(t, s)
	if s.conn == first {
		t.Error("used although its driver refused")
	}
	for p.Stats().Closing > 0 {
	}
	if s := p.Stats(); s.AcquireCount != 4 || s.ReleaseCount != 4 || s.DialCount != 2 || s.CloseCount != 1 || s.WaitCount != 2 {
		t.Errorf("%+v", s)
	}
}

// Connections that were kept apart and are resumed together are a new peak.
func TestResumedLoansMakeAPeak(t *testing.T) {
	p, err := New(Config{Connector: fakedb.Instant(), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var sessions [2]*session
	hold, err := p.Acquire(context.Background()) // a second connection is dialed for the second session
	if err != nil {
		t.Fatal(err)
	}
	for i := range sessions {
		conn, err := p.openSession(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = conn.(*session)
		if i == 0 {
			_ = hold.Release()
		}
	}
	for range 3 {
		use(t, sessions[0])
	}
	for range 3 {
		use(t, sessions[1])
	}
	if sessions[0].keptAt == 0 || sessions[1].keptAt == 0 {
		t.Fatal("not kept")
	}
	p.mu.Lock()
	p.stats.PeakInUse = 1 // as if they had never been out together
	p.notePeakLocked()
	p.mu.Unlock()
	for _, s := range sessions {
		if err := s.ResetSession(context.Background()); err != nil || s.sticky != nil {
			t.Fatal(err, s.sticky)
		}
	}
	for _, s := range sessions {
		s.IsValid()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.PeakInUse != 2 {
		t.Errorf("peak %d, want 2", p.stats.PeakInUse)
	}
}
