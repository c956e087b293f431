package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// useMany executes a statement n times from that many goroutines, on the real
// clock: they meet on package sql's mutexes.
func useMany(t *testing.T, stmt *sql.Stmt, n, goroutines int) {
	t.Helper()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range n / goroutines {
				if err := ask(stmt.Query(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestOneStatementIsPreparedOncePerConnection(t *testing.T) {
	for _, shape := range []string{"Full", "Std", "Skipper", "Minimal", "Converter"} {
		t.Run(shape, func(t *testing.T) {
			db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{MaxConns: 4})
			stmt, err := db.Prepare("SELECT ?")
			must(t, err)
			useMany(t, stmt, 200, 8)
			total, most := server.Prepares("SELECT ?")
			if most != 1 || total > server.Counts().Connects {
				t.Errorf("%d prepares, %d on one of %d connections", total, most, server.Counts().Connects)
			}
			must(t, stmt.Close())
			rest(t, p)
		})
	}
}

func TestTheCacheClosesWhatFallsOutInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1, StatementCacheSize: 2})
		server.On(fakedb.StmtClose, fakedb.Fault{Delay: time.Second})
		prepare := func(text string) {
			start := time.Now()
			stmt, err := db.Prepare(text)
			if d := time.Since(start); err != nil || d != 0 {
				t.Errorf("%s: %v, the caller waited %v for a close", text, err, d)
			}
			time.Sleep(5 * time.Second)
			_, err = stmt.Exec()
			must(t, err, stmt.Close())
		}
		for _, text := range []string{"a", "b", "a", "c", "a", "b"} {
			prepare(text)
		}
		for text, want := range map[string]int{"a": 1, "b": 2, "c": 1} {
			if n, _ := server.Prepares(text); n != want {
				t.Errorf("%s was prepared %d times, want %d: what was used last stays", text, n, want)
			}
		}
		if n := server.Counts().OpenStmts; n != 2 {
			t.Errorf("%d statements open", n)
		}
		rest(t, p)
	})
}

func TestALoanThatNeverEndsDoesNotFillTheServerWithStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDB(t, sqlpool.Config{StatementCacheSize: 4})
		conn, err := db.Conn(context.Background())
		must(t, err)
		for i := range 100 {
			stmt, err := conn.PrepareContext(context.Background(), fmt.Sprint("text ", i))
			must(t, err, stmt.Close())
		}
		if n := server.Counts().OpenStmts; n > 10 {
			t.Errorf("%d statements open", n)
		}
		must(t, conn.Close())
	})
}

func TestWithoutACacheEachStatementClosesWhatItPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 2, StatementCacheSize: -1})
		stmt, err := db.Prepare("SELECT 1")
		must(t, err)
		for range 10 {
			_, err = stmt.Exec()
			must(t, err)
		}
		if n, _ := server.Prepares("SELECT 1"); n != 1 {
			t.Errorf("prepared %d times for one session", n)
		}
		server.On(fakedb.StmtClose, fakedb.Fault{Delay: time.Second})
		start := time.Now()
		must(t, stmt.Close()) // nobody has the connection
		if d := time.Since(start); d != 0 {
			t.Errorf("a close of the whole *sql.DB's statements took %v under its lock", d)
		}
		time.Sleep(2 * time.Second)
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open", n)
		}

		stmt, err = db.Prepare("SELECT 2")
		must(t, err)
		loan, err := p.Acquire(context.Background()) // somebody else has it now
		must(t, err, stmt.Close())
		if n := server.Counts().OpenStmts; n != 1 {
			t.Errorf("%d statements open: closed on a connection that is lent", n)
		}
		must(t, loan.Release())
		time.Sleep(2 * time.Second)
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open after the loan", n)
		}
		rest(t, p)
	})
}

func TestStatementsAsTextNeverPrepare(t *testing.T) {
	for _, shape := range []string{"Full", "Std", "Legacy"} {
		t.Run(shape, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				server.SetCacheQueries(true)
				db, _, _ := newDBOn(t, server, shapes[shape], sqlpool.Config{Statements: sqlpool.StatementsAsText})
				stmt, err := db.Prepare("SELECT ?")
				must(t, err)
				for range 3 {
					must(t, ask(stmt.Query(1)))
					_, err := stmt.Exec(2)
					must(t, err)
					_, err = db.Exec("INSERT ?", "t")
					must(t, err)
				}
				must(t, stmt.Close())
				if c := server.Counts(); c.Prepares != 0 || c.Queries != 3 || c.Execs != 6 {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}

func TestAStaleStatementIsPreparedAnewOnce(t *testing.T) {
	for name, spoil := range map[string]string{"changed result (0A000)": "ALTER TABLE t", "forgotten (26000)": "DISCARD ALL"} {
		for _, size := range []int{0, -1} {
			t.Run(fmt.Sprint(name, ", cache ", size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDB(t, sqlpool.Config{MaxConns: 1, StatementCacheSize: size})
					stmt, err := db.Prepare("SELECT ?")
					must(t, err)
					for range 3 {
						_, err = db.Exec(spoil)
						must(t, err, ask(stmt.Query(1)))
					}
					if n, _ := server.Prepares("SELECT ?"); n != 4 {
						t.Errorf("prepared %d times, want 4", n)
					}
					// In a transaction the failure has ended it: no second try.
					tx, err := db.Begin()
					must(t, err)
					inTx := tx.Stmt(stmt)
					must(t, ask(inTx.Query(1)))
					_, err = tx.Exec(spoil)
					must(t, err)
					var state *fakedb.Error
					if err := ask(inTx.Query(1)); !errors.As(err, &state) || state.Code != "0A000" && state.Code != "26000" {
						t.Errorf("in the transaction: %v", err)
					}
					must(t, tx.Rollback(), ask(stmt.Query(1)), stmt.Close())
					synctest.Wait()
					rest(t, p)
				})
			})
		}
	}
}

func TestAStatementThatStaysStaleIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDB(t, sqlpool.Config{})
		stmt, err := db.Prepare("SELECT 1")
		must(t, err)
		rule := server.On(fakedb.StmtExec, fakedb.Fault{Err: &fakedb.Error{Code: "26000"}})
		if _, err := stmt.Exec(); err == nil || rule.Hits() != 2 {
			t.Errorf("%v after %d tries", err, rule.Hits())
		}
		// What may be several statements is not run twice.
		text := server.On(fakedb.Exec, fakedb.Fault{Err: &fakedb.Error{Code: "26000"}})
		if _, err := db.Exec("INSERT t; EXECUTE gone"); err == nil || text.Hits() != 1 {
			t.Errorf("%v after %d tries", err, text.Hits())
		}
	})
}

func TestCopyIsNeverCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		conn, err := db.Conn(context.Background())
		must(t, err)
		for range 3 {
			stmt, err := conn.PrepareContext(context.Background(), "/* load */ copy t FROM STDIN")
			must(t, err)
			_, err = stmt.Exec()
			must(t, err, stmt.Close())
		}
		must(t, conn.Close())
		if n, _ := server.Prepares("/* load */ copy t FROM STDIN"); n != 3 {
			t.Errorf("prepared %d times, want 3", n)
		}
		if c := server.Counts(); c.OpenStmts != 0 || c.Connects != 1 {
			t.Errorf("%+v", c)
		}
		rest(t, p)
	})
}

func TestTextsWithArgumentsGoThroughTheCacheOfADriverThatGains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetCacheQueries(true)
		db, _, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1})
		for range 5 {
			must(t, ask(db.Query("SELECT ?", 1)))
			_, err := db.Exec("INSERT ?", "t")
			must(t, err, ask(db.Query("SELECT 7")))
			_, err = db.Exec("noop")
			must(t, err)
		}
		c := server.Counts()
		if c.Prepares != 2 || c.StmtQueries != 5 || c.StmtExecs != 5 || c.Queries != 5 || c.Execs != 5 {
			t.Errorf("%+v", c)
		}
		_, err := db.Exec("ALTER TABLE t")
		must(t, err, ask(db.Query("SELECT ?", 1)))
	})
}

// countingConnector counts the sessions that package sql asks for.
type countingConnector struct {
	driver.Connector
	connects atomic.Int64
}

func (c *countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.connects.Add(1)
	return c.Connector.Connect(ctx)
}

// With many callers on few connections, a session is not thrown away each time
// its connection goes to somebody else: its statements would have to be
// prepared anew.
func TestABusyStatementKeepsItsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 4})
		server.On(fakedb.StmtQuery, fakedb.Fault{Delay: 100 * time.Microsecond})
		connector := &countingConnector{Connector: p.Connector()}
		db := sql.OpenDB(connector)
		db.SetMaxIdleConns(100)
		stmt, err := db.Prepare("SELECT ?")
		must(t, err)
		useMany(t, stmt, 3200, 64)
		if n := connector.connects.Load(); n > 64+1 {
			t.Errorf("%d sessions for 64 callers", n)
		}
		if s := p.Stats(); s.WaitCount < 1000 {
			t.Errorf("only %d waited: this proves nothing", s.WaitCount)
		}
		must(t, stmt.Close(), db.Close())
	})
}

// Before a stale statement is prepared anew the old one is closed. A connection that
// breaks over that is lost, and the statement, of which nothing was executed, runs on
// another one.
func TestAConnectionThatBreaksOverClosingAStaleStatementIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		stmt, err := db.Prepare("INSERT t")
		must(t, err)
		_, err = stmt.Exec()
		must(t, err)
		_, err = db.Exec("DISCARD ALL")
		must(t, err)
		server.On(fakedb.StmtClose, fakedb.Fault{Times: 1, Kill: true, Err: io.ErrUnexpectedEOF})
		if _, err := stmt.Exec(); err != nil {
			t.Error(err)
		}
		if c := server.Counts(); c.Connects != 2 || server.Written("t") != 2 {
			t.Errorf("%d dials, %d written", c.Connects, server.Written("t"))
		}
		must(t, stmt.Close())
		rest(t, p)
	})
}
