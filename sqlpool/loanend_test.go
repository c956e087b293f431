package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// hiding is a connector as tracing wrappers have it: its connections pass on what
// expose leaves of the session.
type hiding struct {
	driver.Connector
	expose func(*session) driver.Conn
}

func (h hiding) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return h.expose(conn.(*session)), nil
}

// bare has nothing but driver.Conn: Begin and Prepare instead of the methods with
// a context, no text, no reset.
type bare struct{ driver.Conn }

// hidings are the kinds of wrappers that hide driver.Validator.
var hidings = map[string]func(*session) driver.Conn{
	"passes ResetSession on": func(s *session) driver.Conn { return resetOnly{s, s, s, s, s, s} },
	"hides ResetSession too": func(s *session) driver.Conn {
		return struct {
			driver.Conn
			driver.ConnBeginTx
			driver.ConnPrepareContext
			driver.ExecerContext
			driver.QueryerContext
			driver.Pinger
		}{s, s, s, s, s, s}
	},
	"has no text statements": func(s *session) driver.Conn {
		return struct {
			driver.Conn
			driver.ConnBeginTx
			driver.ConnPrepareContext
		}{s, s, s}
	},
	"has no optional method": func(s *session) driver.Conn { return bare{s} },
}

// forEachHiding runs a test behind each kind of wrapper.
func forEachHiding(t *testing.T, cfg Config, test func(t *testing.T, p *Pool, db *sql.DB)) {
	for name, expose := range hidings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := cfg
				if cfg.Connector == nil {
					cfg.Connector = fakedb.New().Connector()
				}
				p := trapPool(t, cfg)
				db := sql.OpenDB(hiding{p.Connector(), expose})
				test(t, p, db)
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func atRest(t *testing.T, p *Pool) {
	t.Helper()
	time.Sleep(3 * time.Second) // a session that was opened and not used gives its connection back after a second
	if s := p.Stats(); s.InUse != 0 || s.AcquireCount != s.ReleaseCount {
		t.Errorf("at rest %d are in use, %d acquired, %d released: %v", s.InUse, s.AcquireCount, s.ReleaseCount, p.Holders())
	}
}

// Of twenty callers with one statement each, all are served by two connections,
// whichever of the *sql.DB's methods they use.
func TestALoanEndsWithItsStatementWhereIsValidIsHidden(t *testing.T) {
	uses := map[string]func(*sql.DB) error{
		"Exec": func(db *sql.DB) error { _, err := db.ExecContext(background, "INSERT"); return err },
		"QueryRow": func(db *sql.DB) error {
			var n int
			return db.QueryRowContext(background, "SELECT 1").Scan(&n)
		},
		"Query": func(db *sql.DB) error {
			rows, err := db.QueryContext(background, "SELECT 1")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		},
		"Ping": func(db *sql.DB) error { return db.PingContext(background) },
		"Prepare": func(db *sql.DB) error {
			st, err := db.PrepareContext(background, "SELECT 1")
			if err != nil {
				return err
			}
			defer st.Close()
			for range 3 {
				var n int
				if err := st.QueryRowContext(background).Scan(&n); err != nil {
					return err
				}
				if _, err := st.ExecContext(background); err != nil {
					return err
				}
			}
			return nil
		},
		"Begin": func(db *sql.DB) error {
			tx, err := db.BeginTx(background, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(background, "INSERT"); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
	for use, f := range uses {
		t.Run(use, func(t *testing.T) {
			forEachHiding(t, Config{MaxConns: 2, AcquireTimeout: time.Second}, func(t *testing.T, p *Pool, db *sql.DB) {
				for range 3 {
					var wg sync.WaitGroup
					for range 20 {
						wg.Go(func() {
							if err := f(db); err != nil {
								t.Error(err)
							}
						})
					}
					wg.Wait()
				}
				atRest(t, p)
				if s := p.Stats(); s.DialCount > 2 {
					t.Errorf("%d dials for two connections", s.DialCount)
				}
			})
		})
	}
}

// A transaction, and a *sql.Conn, have one connection from begin to end, though
// others wait for one.
func TestTransactionsAndConnsStayPinnedWhereIsValidIsHidden(t *testing.T) {
	type querier interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}
	pinned := func(t *testing.T, p *Pool, db *sql.DB, q querier) {
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := db.ExecContext(background, "INSERT other"); err != nil {
					t.Error(err)
				}
			})
		}
		seen := map[uint64]bool{}
		for range 4 {
			if _, err := q.ExecContext(background, "INSERT pinned"); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
			for _, h := range p.Holders() {
				if h.LastStatement == "INSERT pinned" {
					seen[h.Conn] = true
				}
			}
		}
		if len(seen) != 1 {
			t.Errorf("executed on connections %v", seen)
		}
		wg.Wait()
	}
	forEachHiding(t, Config{MaxConns: 2, AcquireTimeout: time.Second}, func(t *testing.T, p *Pool, db *sql.DB) {
		tx, err := db.BeginTx(background, nil)
		if err != nil {
			t.Fatal(err)
		}
		pinned(t, p, db, tx)
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		atRest(t, p)

		conn, err := db.Conn(background)
		if err != nil {
			t.Fatal(err)
		}
		pinned(t, p, db, conn)
		if n := p.Stats().InUse; n != 1 {
			t.Errorf("%d in use while a *sql.Conn is out", n)
		}
		for _, h := range p.Holders() {
			if !h.EndUnseen {
				t.Errorf("%v: the pool cannot see the end of this loan, and does not say so", h)
			}
		}
		_ = conn.Close()
		// Its session is the one that database/sql uses next.
		if _, err := db.ExecContext(background, "INSERT"); err != nil {
			t.Error(err)
		}
		atRest(t, p)
	})
}

// A connection that breaks under one caller's statement is not the next caller's
// error.
func TestALostConnectionIsOneErrorWhereIsValidIsHidden(t *testing.T) {
	server := fakedb.New()
	forEachHiding(t, Config{Connector: server.Connector(), MaxConns: 1, AcquireTimeout: time.Second}, func(t *testing.T, p *Pool, db *sql.DB) {
		run := func() error { _, err := db.ExecContext(background, "INSERT"); return err }
		if err := run(); err != nil {
			t.Fatal(err)
		}
		server.On(fakedb.Exec, fakedb.Fault{Err: io.ErrUnexpectedEOF, Times: 1})
		server.On(fakedb.StmtExec, fakedb.Fault{Err: io.ErrUnexpectedEOF, Times: 1})
		if err := run(); err == nil {
			t.Error("the fault did not come")
		}
		server.Clear()
		for range 3 {
			if err := run(); err != nil {
				t.Error(err)
			}
		}
		atRest(t, p)
	})
}

// What a transaction prepares of a *sql.Stmt of the *sql.DB is executed without it later.
func TestAStatementThatATransactionPreparedEndsItsLoan(t *testing.T) {
	forEachHiding(t, Config{MaxConns: 2}, func(t *testing.T, p *Pool, db *sql.DB) {
		st, err := db.PrepareContext(background, "INSERT t")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		held, err := db.BeginTx(background, nil) // on the session that has prepared it
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(background, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.StmtContext(background, st).ExecContext(background); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, err := st.ExecContext(background); err != nil {
			t.Fatal(err)
		}
		if err := held.Rollback(); err != nil {
			t.Fatal(err)
		}
		atRest(t, p)
	})
}

// The wrapper may hide the connector's Close as well.
func TestClosingTheDBClosesThePoolWhereCloseIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{})
		type connectorOnly struct{ driver.Connector }
		db := sql.OpenDB(connectorOnly{hiding{p.Connector(), hidings["passes ResetSession on"]}})
		if _, err := db.ExecContext(background, "INSERT"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := p.Stats(); s.State != StateClosed || s.Open != 0 {
			t.Errorf("state %v, %d open", s.State, s.Open)
		}
	})
}

// A session that is discarded gives its connection back, unless the driver's own
// program had the driver's own connection.
func TestADiscardedSessionCostsNoConnectionWhereIsValidIsHidden(t *testing.T) {
	for _, raw := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := trapPool(t, Config{Connector: fakedb.New().Connector(), MaxConns: 1})
			db := sql.OpenDB(hiding{p.Connector(), hidings["passes ResetSession on"]})
			db.SetMaxIdleConns(-1)
			defer db.Close()
			for range 5 {
				conn, err := db.Conn(background)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.ExecContext(background, "SET x"); err != nil {
					t.Fatal(err)
				}
				if raw {
					_ = conn.Raw(func(any) error { return driver.ErrBadConn })
				}
				_ = conn.Close()
			}
			atRest(t, p)
			if n, want := p.Stats().DialCount, map[bool]uint64{false: 1, true: 5}[raw]; n != want {
				t.Errorf("raw %v: %d dials, want %d", raw, n, want)
			}
		})
	}
}

// Where IsValid comes through, the stack is read no more, and the rows are the
// driver's own.
func TestTheStackIsReadOnlyUntilIsValidWasSeen(t *testing.T) {
	p := trapPool(t, Config{})
	c := p.Connector().(*connector)
	db := sql.OpenDB(c)
	defer db.Close()
	if _, err := db.ExecContext(background, "noop"); err != nil {
		t.Fatal(err)
	}
	if !c.isValid.seen.Load() {
		t.Error("IsValid was called and not noted")
	}
}

// That a wrapper hides IsValid is said once it is known: a *sql.Conn that is the first
// to use its *sql.DB is no sign of one.
func TestAHiddenEndIsSaidOnlyWhenItIsKnown(t *testing.T) {
	unseen := func(p *Pool) (n int) {
		for _, h := range p.Holders() {
			if h.EndUnseen {
				n++
			}
		}
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 2})
		db := sql.OpenDB(p.Connector())
		defer db.Close()
		conn, err := db.Conn(background)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(background, "INSERT"); err != nil {
			t.Fatal(err)
		}
		if unseen(p) != 0 {
			t.Errorf("nothing hides IsValid: %v", p.Holders())
		}
	})
	forEachHiding(t, Config{MaxConns: 3}, func(t *testing.T, p *Pool, db *sql.DB) {
		conn, err := db.Conn(background)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(background, "INSERT"); err != nil {
			t.Fatal(err)
		}
		if unseen(p) != 0 {
			t.Errorf("nothing is known yet: %v", p.Holders())
		}
		for range 2 { // the second one gets the session of the first
			if _, err := db.ExecContext(background, "INSERT"); err != nil {
				t.Fatal(err)
			}
		}
		if unseen(p) != 1 {
			t.Errorf("the wrapper hides IsValid: %v", p.Holders())
		}
	})
}
