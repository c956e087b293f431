package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// triesConnector notes what onLastTry says in each of package sql's tries.
type triesConnector struct{ last []bool }

func (c *triesConnector) Connect(context.Context) (driver.Conn, error) {
	c.last = append(c.last, onLastTry())
	return nil, driver.ErrBadConn
}

func (c *triesConnector) Driver() driver.Driver { return nil }

func TestTheLastTryIsToldFromTheOthers(t *testing.T) {
	ctx := context.Background()
	for name, do := range map[string]func(*sql.DB) error{
		"exec":    func(db *sql.DB) error { _, err := db.ExecContext(ctx, ""); return err },
		"query":   func(db *sql.DB) error { return db.QueryRowContext(ctx, "").Scan() },
		"begin":   func(db *sql.DB) error { _, err := db.BeginTx(ctx, nil); return err },
		"prepare": func(db *sql.DB) error { _, err := db.PrepareContext(ctx, ""); return err },
		"ping":    func(db *sql.DB) error { return db.PingContext(ctx) },
		"conn":    func(db *sql.DB) error { _, err := db.Conn(ctx); return err },
	} {
		var tries triesConnector
		db := sql.OpenDB(&tries)
		if err := do(db); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: %v", name, err)
		}
		db.Close()
		if l := tries.last; len(l) != 3 || l[0] || l[1] || !l[2] {
			t.Errorf("%s: last try according to us: %v", name, l)
		}
	}
	if !onLastTry() {
		t.Error("outside package sql the answer must be the careful one")
	}
}

// deep calls f so many calls further down.
func deep(n int, f func() bool) bool {
	if n > 0 {
		return deep(n-1, f)
	}
	return f()
}

// wrappedConnector is a connector below many wrappers.
type wrappedConnector struct{ triesConnector }

func (c *wrappedConnector) Connect(context.Context) (driver.Conn, error) {
	c.last = append(c.last, deep(100, onLastTry))
	return nil, driver.ErrBadConn
}

func TestTheLastTryIsToldBelowAnyNumberOfWrappers(t *testing.T) {
	var tries wrappedConnector
	db := sql.OpenDB(&tries)
	defer db.Close()
	if err := db.PingContext(context.Background()); !errors.Is(err, driver.ErrBadConn) {
		t.Error(err)
	}
	if l := tries.last; len(l) != 3 || l[0] || l[1] || !l[2] {
		t.Errorf("last try according to us: %v", l)
	}
}

func TestALastTryWaitsInsteadOfErrBadConn(t *testing.T) {
	// Called from outside DB.retry, a session cannot know that there is
	// another try.
	earlyTryLine()
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Config{Connector: idleConnector{}, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := &session{pool: p, live: 1}
		done := make(chan error, 1)
		go func() { done <- s.ResetSession(context.Background()) }()
		time.Sleep(2 * stallLimit)
		synctest.Wait()
		if len(done) > 0 || p.Stats().Waiting != 1 {
			t.Fatalf("after its patience it does not wait: %+v", p.Stats())
		}
		loan.Release()
		if err := <-done; err != nil || s.conn == nil {
			t.Fatalf("got %v, connection %v", err, s.conn)
		}
		s.endLoan()
	})
}

func TestAStatementIsLiveUntilTheHandBackAfterItsClose(t *testing.T) {
	// Package sql takes the driverConn's lock once more after the Close.
	p, err := New(Config{Connector: idleConnector{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := &session{pool: p, live: 1}
	st := &stmt{session: s}
	_ = st.Close()
	_ = st.Close()
	if s.live != 1 {
		t.Errorf("%d live after the Close", s.live)
	}
	if s.IsValid(); s.live != 0 {
		t.Errorf("%d live after the hand-back", s.live)
	}
}

// idleConnector opens connections that can do nothing.
type idleConnector struct{}

func (idleConnector) Connect(context.Context) (driver.Conn, error) { return idleConn{}, nil }
func (idleConnector) Driver() driver.Driver                        { return nil }

type idleConn struct{}

func (idleConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (idleConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (idleConn) Close() error                        { return nil }
