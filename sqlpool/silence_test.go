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

// The network swallows four idle connections: that costs one caller its
// deadline, not each caller that comes.
func TestASwallowedIdleConnectionIsMetOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 4}, 4)
		db := sqlpool.OpenDB(p)
		t.Cleanup(func() { db.Close() })
		time.Sleep(time.Second)
		swallow(server, 4)

		exec := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err := db.ExecContext(ctx, "INSERT ?", 1)
			return err
		}
		if err := exec(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want the deadline's error", err)
		}
		synctest.Wait()
		if s := p.Stats(); s.Generation != 0 || s.State != sqlpool.StateUp {
			t.Errorf("a caller's deadline is taken for a fault of the server: %+v", s)
		}
		start := time.Now()
		if err := exec(); err != nil {
			t.Errorf("the second statement, after %v: %v", time.Since(start), err)
		}
		time.Sleep(2 * time.Second)
		if c := server.Counts(); c.Live != 1 || c.Closes != 4 {
			t.Errorf("the swallowed connections are not all gone: %+v", c)
		}
	})
}

// A deadline that its connection survives is no silence: the server answered.
func TestAConnectionThatSurvivesADeadlineWasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		var tired error
		hook := sqlpool.Hooks{AfterRelease: func(sqlpool.Releasing) error { return tired }}
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 4, Hooks: []sqlpool.Hooks{hook}}, 4)
		db := sqlpool.OpenDB(p)
		t.Cleanup(func() { db.Close() })
		time.Sleep(time.Second)
		server.On(fakedb.Exec, fakedb.Fault{Times: 1, Hang: fakedb.UntilDone})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := db.ExecContext(ctx, "INSERT ?", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want the deadline's error", err)
		}
		tired = errors.New("tired of it")
		_ = acquire(t, p).Release() // that very connection, retired for a reason of its own
		synctest.Wait()
		if c := server.Counts(); c.Pings != 0 || c.Live != 3 {
			t.Errorf("%+v", c)
		}
	})
}

// swallow has the connections up to that number answer nothing and never close.
func swallow(server *fakedb.DB, upTo int64) {
	server.Script(func(c fakedb.Call) fakedb.Fault {
		switch {
		case c.Conn == 0 || c.Conn > upTo:
		case c.Point == fakedb.Exec, c.Point == fakedb.Ping:
			return fakedb.Fault{Hang: fakedb.UntilDone, Kill: true}
		case c.Point == fakedb.Close:
			return fakedb.Fault{Hang: fakedb.UntilAbort}
		}
		return fakedb.Fault{}
	})
}
