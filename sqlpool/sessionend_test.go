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

// IsValid may be hidden by a wrapper: the next ResetSession ends the loan before it.
func TestALoanThatIsValidDidNotEndEndsAtTheNextReset(t *testing.T) {
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

func TestAResetWithoutIsValidKeepsOneLoan(t *testing.T) {
	p := trapPool(t, Config{MaxConns: 2, MinIdle: 2, AcquireTimeout: time.Second})
	if err := p.Warm(background); err != nil {
		t.Fatal(err)
	}
	d, err := p.openSession(background)
	if err != nil {
		t.Fatal(err)
	}
	s := d
	for i := range 10 {
		_ = s.ResetSession(background) // IsValid skipped
		if _, err := s.ExecContext(background, "noop", nil); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	s.IsValid()
}

func TestCountersNeverRunBackwards(t *testing.T) {
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
