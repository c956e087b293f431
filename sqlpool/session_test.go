package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// newDB opens a pool on a scripted server and a *sql.DB on the pool. Both are
// closed with the test, and the driver's rules must not have been broken.
func newDB(t testing.TB, cfg sqlpool.Config) (*sql.DB, *sqlpool.Pool, *fakedb.DB) {
	t.Helper()
	server := fakedb.New()
	return newDBOn(t, server, fakedb.Full, cfg)
}

func newDBOn(t testing.TB, server *fakedb.DB, shape fakedb.Shape, cfg sqlpool.Config) (*sql.DB, *sqlpool.Pool, *fakedb.DB) {
	t.Helper()
	cfg.Connector = server.ConnectorAs(shape)
	p, err := sqlpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range server.Violations() {
			t.Error(v)
		}
	})
	return db, p, server
}

// must fails the test on the first error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rest fails the test unless every loan has ended and every connection is idle,
// as soon as the pool has done its work in the background.
func rest(t *testing.T, p *sqlpool.Pool) {
	t.Helper()
	eventually(t, func() error {
		if s := p.Stats(); s.AcquireCount != s.ReleaseCount || s.InUse != 0 || s.Waiting != 0 || s.Open != s.Idle {
			return fmt.Errorf("not at rest: %+v", s)
		}
		return nil
	})
}

// eventually waits for what other goroutines have yet to do.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for end := time.Now().Add(watchdog); ; time.Sleep(time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestEachOperationIsOneLoan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 2})
		for i := range 10 {
			_, err := db.Exec("noop")
			must(t, err)
			var n int
			must(t, db.QueryRow("SELECT 7").Scan(&n))
			if got := p.Stats().AcquireCount; got != uint64(2*i+2) {
				t.Fatalf("%d loans after %d operations", got, 2*i+2)
			}
		}
		rest(t, p)
		if c := server.Counts(); c.Connects != 1 {
			t.Errorf("%d connections for operations in a row", c.Connects)
		}
	})
}

func TestASessionReservedByTheOpenerHoldsNoCallerUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, _ := newDB(t, sqlpool.Config{MaxConns: 1})
		db.SetMaxOpenConns(1)
		conn, err := db.Conn(context.Background())
		must(t, err)
		_, err = conn.ExecContext(context.Background(), "noop")
		must(t, err)
		// A caller waits in database/sql's queue and gives up; the session is
		// discarded, so the opener opens one that no caller takes.
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() {
			_, err := db.ExecContext(ctx, "noop")
			gone <- err
		}()
		synctest.Wait()
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		synctest.Wait()
		cancel()
		<-gone
		time.Sleep(20 * time.Millisecond)

		start := time.Now()
		loan, err := p.Acquire(context.Background())
		must(t, err)
		if d := time.Since(start); d > 10*time.Millisecond {
			t.Errorf("waited %v for a session that is not used", d)
		}
		must(t, loan.Release())
	})
}

func TestAnAcquireThatFailsInResetSessionReachesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, _ := newDB(t, sqlpool.Config{MaxConns: 1, AcquireTimeout: time.Second})
		_, err := db.Exec("noop") // leaves a session for ResetSession
		must(t, err)
		loan, err := p.Acquire(context.Background())
		must(t, err)
		for name, do := range map[string]func() error{
			"exec":    func() error { _, err := db.Exec("noop"); return err },
			"query":   func() error { return db.QueryRow("SELECT 1").Scan(new(int)) },
			"begin":   func() error { _, err := db.Begin(); return err },
			"prepare": func() error { _, err := db.Prepare("SELECT 1"); return err },
			"ping":    db.Ping,
		} {
			start := time.Now()
			if err := do(); !errors.Is(err, sqlpool.ErrAcquireTimeout) || time.Since(start) != time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		}
		conn, err := db.Conn(context.Background()) // database/sql drops the error of ResetSession
		must(t, err)
		if _, err := conn.ExecContext(context.Background(), "noop"); !errors.Is(err, sqlpool.ErrAcquireTimeout) {
			t.Errorf("conn: %v", err)
		}
		must(t, loan.Release())
		_, err = conn.ExecContext(context.Background(), "noop") // the next method tries again
		must(t, err, conn.Close(), db.Ping())
		rest(t, p)
	})
}

func TestAClosedPoolIsErrClosedUnderAnOpenDB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{})
		stmt, err := db.Prepare("SELECT 1")
		must(t, err)
		_, err = db.Exec("noop")
		must(t, err, p.Close())
		_, execErr := db.Exec("noop")
		_, stmtErr := stmt.Exec()
		for _, err := range []error{execErr, stmtErr, db.Ping()} {
			if !errors.Is(err, sqlpool.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
		if n := server.Counts().Live; n != 0 {
			t.Errorf("%d connections left", n)
		}
	})
}

func TestClosingTheDBClosesThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MinIdle: 2})
		must(t, p.Warm(context.Background()), db.Close())
		if _, err := p.Acquire(context.Background()); !errors.Is(err, sqlpool.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if n := server.Counts().Live; n != 0 {
			t.Errorf("%d connections left", n)
		}
	})
}
