package sqlpool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// lab opens a pool on a scripted server. At the test's end the pool is closed,
// and whatever the test did, the server must not have seen more connections
// than MaxConns nor a broken rule, and the pool's books must balance.
func lab(t testing.TB, cfg sqlpool.Config) (*sqlpool.Pool, *fakedb.DB) {
	t.Helper()
	server := fakedb.New()
	return labOn(t, server, fakedb.Full, cfg), server
}

func labOn(t testing.TB, server *fakedb.DB, shape fakedb.Shape, cfg sqlpool.Config) *sqlpool.Pool {
	t.Helper()
	if cfg.Connector == nil {
		cfg.Connector = server.ConnectorAs(shape)
	}
	p, err := sqlpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		audit(t, p, server)
	})
	return p
}

// audit checks the books of a pool that has been shut down.
func audit(t testing.TB, p *sqlpool.Pool, server *fakedb.DB) {
	t.Helper()
	s, c := p.Stats(), server.Counts()
	if s.Open != 0 || s.Waiting != 0 || s.State != sqlpool.StateClosed {
		t.Errorf("after the shutdown: %+v", s)
	}
	if s.AcquireCount != s.ReleaseCount || s.DialCount-s.DialErrorCount != s.CloseCount {
		t.Errorf("the counters do not balance: %+v", s)
	}
	if most := p.Config().MaxConns; c.PeakLive > most {
		t.Errorf("the server saw %d connections at once, want at most %d", c.PeakLive, most)
	}
	if c.DoubleCloses > 0 {
		t.Errorf("%d connections were closed twice", c.DoubleCloses)
	}
	for _, v := range server.Violations() {
		t.Error(v)
	}
}

// balanced checks what must hold of Stats at every instant.
func balanced(t testing.TB, s sqlpool.Stats) {
	t.Helper()
	if s.Open != s.Idle+s.InUse+s.Dialing+s.Closing || s.Open > s.MaxConns ||
		min(s.Idle, s.InUse, s.Dialing, s.Closing, s.Waiting) < 0 ||
		s.ReleaseCount > s.AcquireCount || s.PeakInUse < s.InUse {
		t.Errorf("inconsistent: %+v", s)
	}
}

func acquire(t testing.TB, p *sqlpool.Pool) sqlpool.Loan {
	t.Helper()
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return loan
}

// asked is the outcome of an acquire in another goroutine.
type asked struct {
	loan sqlpool.Loan
	err  error
	took time.Duration
}

// queue acquires in another goroutine and returns when that has gone as far as
// it can.
func queue(ctx context.Context, p *sqlpool.Pool) <-chan asked {
	answers := make(chan asked, 1)
	start := time.Now()
	go func() {
		loan, err := p.Acquire(ctx)
		answers <- asked{loan, err, time.Since(start)}
	}()
	synctest.Wait()
	return answers
}

// refused checks the kind of a failed acquire and returns its details.
func refused(t testing.TB, err, kind error) *sqlpool.AcquireError {
	t.Helper()
	var e *sqlpool.AcquireError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *AcquireError", err)
	}
	if e.Kind != kind || kind != nil && !errors.Is(err, kind) {
		t.Fatalf("kind %v, want %v, in: %v", e.Kind, kind, err)
	}
	return e
}

// conn returns the fake connection of a loan.
func conn(l sqlpool.Loan) *fakedb.Conn { return l.Conn().Raw().(*fakedb.Conn) }

// whileIdle makes a hook of another moment one for idle connections.
func whileIdle(hook func(context.Context, *sqlpool.Conn) error) func(context.Context, sqlpool.IdleConn) error {
	return func(ctx context.Context, c sqlpool.IdleConn) error { return hook(ctx, c.Conn) }
}
