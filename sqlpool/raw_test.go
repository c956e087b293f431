package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestRawReachesTheDriversOwnConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, _ := newDBOn(t, fakedb.New(), traced, sqlpool.Config{}) // wraps it once
		conn, err := db.Conn(context.Background())
		must(t, err)
		for range 2 { // reserved at first, an ordinary loan then
			must(t, conn.Raw(func(c any) error {
				raw, ok := c.(interface{ Raw() driver.Conn }).Raw().(*fakedb.Conn)
				if !ok || raw.ID() != 1 {
					t.Errorf("Raw is %T", c)
				}
				if u := c.(interface{ Unwrap() driver.Conn }).Unwrap(); u != driver.Conn(raw) {
					t.Errorf("Unwrap is %T", u)
				}
				return nil
			}))
		}
		must(t, conn.Close())
		rest(t, p)
	})
}

func TestWhatHappensInRawDecidesOverTheConnection(t *testing.T) {
	errOwn := errors.New("own")
	for _, outcome := range []struct {
		name   string
		do     func(any) error
		retire bool
	}{
		{"nil", func(c any) error { use(c); return nil }, false},
		{"an error", func(c any) error { use(c); return errOwn }, false},
		{"ErrBadConn", func(c any) error { use(c); return driver.ErrBadConn }, true},
		{"ErrBadConn without use", func(any) error { return driver.ErrBadConn }, false},
		{"panic", func(c any) error { use(c); panic(errOwn) }, true},
	} {
		t.Run(outcome.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reason string
				db, p, server := newDB(t, sqlpool.Config{Hooks: []sqlpool.Hooks{{
					OnClose: func(e sqlpool.Closed) { reason = sqlpool.ReasonCode(e.Reason) },
				}}})
				must(t, db.Ping()) // so that the session has been through ResetSession
				conn, err := db.Conn(context.Background())
				must(t, err)
				func() {
					defer func() { _ = recover() }()
					_ = conn.Raw(outcome.do)
				}()
				if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
					t.Error(err)
				}
				synctest.Wait()
				if got := reason == sqlpool.CodeAbandoned; got != outcome.retire || (reason == "") == outcome.retire {
					t.Errorf("retired because of %q", reason)
				}
				rest(t, p)
				_, err = db.Exec("noop")
				must(t, err)
				want := 1
				if outcome.retire {
					want = 2
				}
				if dials := server.Counts().Connects; dials != want {
					t.Errorf("%d dials, want %d", dials, want)
				}
			})
		})
	}
}

// use takes the driver's connection as a user of Raw does.
func use(c any) { _ = c.(interface{ Raw() driver.Conn }).Raw() }

func TestRawWithoutAConnectionIsNilAndTheNextMethodSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDB(t, sqlpool.Config{})
		conn, err := db.Conn(context.Background())
		must(t, err)
		must(t, conn.PingContext(context.Background()))
		server.KillAllWith(fakedb.Death{Hidden: true})
		if _, err := conn.ExecContext(context.Background(), "noop"); !errors.Is(err, sqlpool.ErrConnLost) {
			t.Fatal(err)
		}
		must(t, conn.Raw(func(c any) error {
			if raw := c.(interface{ Raw() driver.Conn }).Raw(); raw != nil {
				t.Errorf("Raw is %v on a lost connection", raw)
			}
			return nil
		}))
		if err := conn.PingContext(context.Background()); !errors.Is(err, sqlpool.ErrConnLost) {
			t.Error(err)
		}
		must(t, conn.Close(), db.Ping())
	})
}
