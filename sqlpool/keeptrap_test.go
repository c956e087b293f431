package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

var background = context.Background()

// trapPool is a pool whose shutdown finds nothing out.
func trapPool(t *testing.T, cfg Config) *Pool {
	t.Helper()
	if cfg.Connector == nil {
		cfg.Connector = fakedb.Instant()
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return p
}

// resetOnly forwards SessionResetter but not Validator.
type resetOnly struct {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
}
type resetOnlyConnector struct{ p *Pool }

func (c resetOnlyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	d, err := c.p.Connector().Connect(ctx)
	if err != nil {
		return nil, err
	}
	s := d.(*session)
	return resetOnly{s, s, s, s, s, s}, nil
}
func (c resetOnlyConnector) Driver() driver.Driver { return nil }

func TestTrapResetSessionWithALoanStillHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 1, AcquireTimeout: 2 * time.Second})
		db := sql.OpenDB(resetOnlyConnector{p})
		defer db.Close()
		for i := range 6 {
			if _, err := db.ExecContext(background, "noop"); err != nil {
				t.Fatalf("statement %d: %v", i, err)
			}
		}
	})
}

// Two connections, at the level of the session.
func TestTrapResetSessionLeaks(t *testing.T) {
	p := trapPool(t, Config{MaxConns: 2, MinIdle: 2, AcquireTimeout: time.Second})
	if err := p.Warm(background); err != nil {
		t.Fatal(err)
	}
	d, err := p.openSession(background)
	if err != nil {
		t.Fatal(err)
	}
	s := d.(*session)
	for i := range 10 {
		_ = s.ResetSession(background) // IsValid skipped
		if _, err := s.ExecContext(background, "noop", nil); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	s.IsValid()
}

func TestTrapPeakInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 2, MinIdle: 2})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		db := OpenDB(p)
		defer db.Close()
		for range 4 {
			if _, err := db.ExecContext(background, "noop"); err != nil {
				t.Fatal(err)
			}
		}
		loan, err := p.Acquire(background)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", p.Stats())
		time.Sleep(10 * keepTick)
		if s := p.Stats(); s.PeakInUse != 1 || s.InUse != 1 {
			t.Errorf("one loan at a time, PeakInUse %d InUse %d", s.PeakInUse, s.InUse)
		}
		loan.Release()
	})
}

func TestTrapCountersGoBackAtPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := kept(t, Config{})
		for range 5 {
			use(t, s)
		}
		_ = s.ResetSession(background)
		before := p.Stats()
		p.Pause()
		after := p.Stats()
		if after.AcquireCount < before.AcquireCount || after.ReleaseCount < before.ReleaseCount {
			t.Errorf("acquired %d -> %d, released %d -> %d", before.AcquireCount, after.AcquireCount, before.ReleaseCount, after.ReleaseCount)
		}
		p.Resume()
		s.IsValid()
	})
}

func TestTrapMinIdleAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 2, MinIdle: 1})
		d, err := p.openSession(background)
		if err != nil {
			t.Fatal(err)
		}
		s := d.(*session)
		synctest.Wait()
		for range 3 {
			use(t, s)
		}
		synctest.Wait()
		if s.keptAt == 0 {
			t.Fatal("not kept")
		}
		// The other one goes, while the kept one counts as idle.
		loan, err := p.Acquire(background)
		if err != nil {
			t.Fatal(err)
		}
		other := loan.Conn()
		if other == s.conn {
			t.Fatal("took the kept one")
		}
		use(t, s)
		loan.Retire(nil)
		synctest.Wait()
		st := p.Stats()
		t.Logf("idle %d in use %d dialing %d", st.Idle, st.InUse, st.Dialing)
		_ = s.ResetSession(background)
		time.Sleep(10 * time.Minute)
		if st := p.Stats(); st.Idle+st.Dialing < 1 {
			t.Errorf("ten minutes later: idle %d, in use %d, dialing %d; MinIdle 1, MaxConns 2", st.Idle, st.InUse, st.Dialing)
		}
		s.IsValid()
	})
}

func TestTrapHeldTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 2, MinIdle: 2})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		open := func() *session {
			d, err := p.openSession(background)
			if err != nil {
				t.Fatal(err)
			}
			return d.(*session)
		}
		a, b := open(), open()
		if _, err := a.ExecContext(background, "noop", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // a long report on session a
		use(t, b)
		use(t, b) // the pool starts to keep
		a.IsValid()
		_ = a.ResetSession(background) // a new loan
		time.Sleep(time.Second)
		for _, h := range p.Holders() {
			if h.Held > 2*time.Second {
				t.Errorf("a loan of one second is told as held for %v", h.Held)
			}
		}
		if c := a.conn; c != nil {
			_, held, _ := c.Lending()
			t.Log("Lending says", held)
		}
		a.IsValid()
	})
}

func TestTrapBoundGrows(t *testing.T) {
	p := trapPool(t, Config{MaxConns: 1})
	d, _ := p.openSession(background)
	s := d.(*session)
	tx, err := s.BeginTx(background, driver.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		rows, err := s.QueryContext(background, "SELECT 1", nil)
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	if n := len(boundOf(s)); n > 0 {
		t.Errorf("%d remembered", n)
	}
	_ = tx.Commit()
	s.IsValid()
}

func boundOf(s *session) []func() { return s.tx.bound }

func TestTrapStatsInstant(t *testing.T) {
	p := trapPool(t, Config{MaxConns: 8})
	db := OpenDB(p)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.ExecContext(background, "noop"); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	var last Stats
	bad := 0
	for range 300000 {
		s := p.Stats()
		if s.PeakInUse < s.InUse || s.ReleaseCount < last.ReleaseCount || s.ReleaseCount > s.AcquireCount ||
			s.AcquireCount-s.ReleaseCount != uint64(s.InUse) && s.AcquireCount-s.ReleaseCount > uint64(s.InUse) || s.InUse < 0 {
			if bad++; bad < 5 {
				t.Errorf("peak %d in use %d acq %d->%d rel %d->%d", s.PeakInUse, s.InUse, last.AcquireCount, s.AcquireCount, last.ReleaseCount, s.ReleaseCount)
			}
		}
		last = s
	}
	close(stop)
	wg.Wait()
}
