package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// useMany executes a statement n times from that many goroutines, on the real
// clock: they meet on database/sql's mutexes.
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

func TestCachedQueriesThatFallOutAreClosedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetCacheQueries(true)
		db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, CacheQueries: true})
		server.On(fakedb.StmtClose, fakedb.Fault{Delay: time.Second})
		const kept = 128
		query := func(i int) {
			start := time.Now()
			must(t, ask(db.Query(fmt.Sprint("SELECT ? -- ", i), 1)))
			if d := time.Since(start); d != 0 {
				t.Errorf("query %d: the caller waited %v for a close", i, d)
			}
			time.Sleep(5 * time.Second)
		}
		for i := range kept {
			query(i)
		}
		query(0) // used again: it stays
		for i := kept; i < kept+10; i++ {
			query(i)
		}
		query(0)
		if n, _ := server.Prepares("SELECT ? -- 0"); n != 1 {
			t.Errorf("what was used last was prepared %d times", n)
		}
		if n := server.Counts().OpenStmts; n != kept {
			t.Errorf("%d statements open, want %d", n, kept)
		}
		long := "SELECT ? -- " + strings.Repeat("x", 4<<10)
		must(t, ask(db.Query(long, 1)))
		if n, _ := server.Prepares(long); n != 0 {
			t.Error("a text of more than 4 KB was kept prepared")
		}
		rest(t, p)
	})
}

func TestALoanThatNeverEndsDoesNotFillTheServerWithStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDB(t, sqlpool.Config{})
		must(t, db.Ping()) // the pool sees that its sessions are not hidden by a wrapper
		conn, err := db.Conn(context.Background())
		must(t, err)
		for i := range 100 {
			stmt, err := conn.PrepareContext(context.Background(), fmt.Sprint("text ", i))
			must(t, err, stmt.Close())
		}
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open", n)
		}
		must(t, conn.Close())
		time.Sleep(time.Second)
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open after the loan", n)
		}
	})
}

func TestAClosedStatementIsClosedOnItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 2})
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
		must(t, stmt.Close()) // the connection is idle
		if d := time.Since(start); d != 0 {
			t.Errorf("a close of the whole *sql.DB's statements took %v under its lock", d)
		}
		time.Sleep(2 * time.Second)
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open", n)
		}

		stmt, err = db.Prepare("SELECT 2")
		must(t, err)
		loan, err := p.Acquire(context.Background()) // another borrower has it now
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

// pgx executes what it has prepared under a text, also for a query.
func TestAClosedStatementGoesBeforeItsTextRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		must(t, db.Ping()) // the pool sees that its sessions are not hidden by a wrapper
		ctx := context.Background()
		conn, err := db.Conn(ctx)
		must(t, err)
		prepare := func() *sql.Stmt {
			stmt, err := conn.PrepareContext(ctx, "SELECT ?")
			must(t, err, ask(stmt.QueryContext(ctx, 1)))
			return stmt
		}
		must(t, prepare().Close())
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open: a pooler may give the next transaction another server", n)
		}
		rowsOpen := server.On(fakedb.StmtClose, fakedb.Fault{Err: errors.New("fakedb: rows are open")})
		must(t, prepare().Close())
		rowsOpen.Remove()
		must(t, ask(conn.QueryContext(ctx, "SELECT 3")))
		if n := server.Counts().OpenStmts; n != 1 || rowsOpen.Hits() != 1 {
			t.Errorf("%d statements open: another text had to wait for the close; %d tries", n, rowsOpen.Hits())
		}
		must(t, ask(conn.QueryContext(ctx, "SELECT ?", 1)))
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open when their text ran as a query", n)
		}
		must(t, prepare().Close())
		second := prepare()
		if total, _ := server.Prepares("SELECT ?"); total != 4 || server.Counts().OpenStmts != 1 {
			t.Errorf("%d prepares, %d open: a statement that was prepared again is not new", total, server.Counts().OpenStmts)
		}
		// An open one is not disturbed by another that is closed.
		third := prepare()
		must(t, third.Close(), ask(second.QueryContext(ctx, 1)))
		if total, _ := server.Prepares("SELECT ?"); total != 5 {
			t.Errorf("%d prepares, want 5", total)
		}
		must(t, second.Close(), conn.Close())
		time.Sleep(time.Second)
		if n := server.Counts().OpenStmts; n != 0 {
			t.Errorf("%d statements open", n)
		}
		rest(t, p)
	})
}

// A session that database/sql discards takes its statements with it: the program has
// closed nothing.
func TestAStatementOutlivesItsSessions(t *testing.T) {
	db, p, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{MaxConns: 2})
	db.SetMaxIdleConns(-1) // each use has a session of its own
	stmt, err := db.Prepare("SELECT ?")
	must(t, err)
	useMany(t, stmt, 200, 4)
	if total, most := server.Prepares("SELECT ?"); most != 1 {
		t.Errorf("prepared %d times, %d on one connection", total, most)
	}
	tx, err := db.Begin()
	must(t, err, ask(tx.Stmt(stmt).Query(1)), tx.Commit())
	before, _ := server.Prepares("SELECT ?")

	// Its text as a query, and as another *sql.Stmt, finds nothing that may be stale.
	conn, err := db.Conn(context.Background())
	must(t, err, ask(conn.QueryContext(context.Background(), "SELECT ?", 1)))
	must(t, conn.Close())
	eventually(t, func() error {
		if n := server.Counts().OpenStmts; n != 0 {
			return fmt.Errorf("%d statements open when their text has run as a query", n)
		}
		return nil
	})
	rest(t, p)
	must(t, ask(stmt.Query(1)))
	other, err := db.Prepare("SELECT ?")
	must(t, err)
	if after, _ := server.Prepares("SELECT ?"); after-before != 2 {
		t.Errorf("prepared %d times since, want 2", after-before)
	}
	must(t, ask(other.Query(1)), ask(stmt.Query(1)), other.Close(), stmt.Close())
}

// A program that builds its texts, and whose statements database/sql closes with their
// sessions, leaves a limited number of them.
func TestStatementsWithoutASessionAreLimited(t *testing.T) {
	db, p, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{MaxConns: 1})
	db.SetMaxIdleConns(-1)
	for i := range 200 {
		stmt, err := db.Prepare(fmt.Sprint("SELECT ", i))
		must(t, err, ask(stmt.Query()), stmt.Close())
	}
	eventually(t, func() error {
		if n := server.Counts().OpenStmts; n > 128 {
			return fmt.Errorf("%d statements open", n)
		}
		return nil
	})
	rest(t, p)
}

// Some drivers keep the memory of a statement that is not closed.
func TestStatementsAreClosedWithTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDBOn(t, fakedb.New(), fakedb.Std, sqlpool.Config{MaxConns: 2, Hooks: []sqlpool.Hooks{recycleAfter(3)}})
		closes := server.On(fakedb.StmtClose, fakedb.Fault{})
		shared, err := db.Prepare("SELECT ?")
		must(t, err)
		for i := range 20 {
			must(t, ask(shared.Query(1)))
			stmt, err := db.Prepare(fmt.Sprint("SELECT ", i))
			must(t, err, ask(stmt.Query()), stmt.Close())
		}
		must(t, db.Close())
		synctest.Wait()
		c := server.Counts()
		if total := closes.Hits(); total != c.Prepares || c.Connects < 5 {
			t.Errorf("%d of %d statements were closed, on %d connections", total, c.Prepares, c.Connects)
		}
	})
}

// recycleAfter retires a connection after so many loans.
func recycleAfter(n uint64) sqlpool.Hooks {
	return sqlpool.Hooks{AfterRelease: func(r sqlpool.Releasing) error {
		if r.Conn.Loans() >= n {
			return errors.New("worn out")
		}
		return nil
	}}
}

// What may come from a statement's age has it prepared anew. A program's *sql.Stmt is
// not prepared anew after what cannot, and a query, whose age is the pool's doing, is after any SQLSTATE.
func TestAStatementHealsAfterWhatItsAgeMayCause(t *testing.T) {
	for code, healed := range map[string]bool{
		"22003": true, "42883": true, "XX000": true, "0A000": true, "22P02": true,
		"23505": false, "40001": false, "57014": false, "P0001": false, "25P02": false, "55P03": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			server := fakedb.New()
			server.SetCacheQueries(true)
			db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, CacheQueries: true})
			stmt, err := db.Prepare("SELECT ?")
			must(t, err, ask(stmt.Query(1)), ask(db.Query("SELECT ? -- text", 1)))
			rule := server.On(fakedb.StmtQuery, fakedb.Fault{Err: &fakedb.Error{Code: code}})
			for _, err := range []error{ask(stmt.Query(1)), ask(db.Query("SELECT ? -- text", 1))} {
				var state *fakedb.Error
				if !errors.As(err, &state) || state.Code != code {
					t.Errorf("%s: %v", code, err)
				}
			}
			rule.Remove()
			must(t, ask(stmt.Query(1)), ask(db.Query("SELECT ? -- text", 1)))
			for text, want := range map[string]int{"SELECT ?": map[bool]int{false: 1, true: 2}[healed], "SELECT ? -- text": 2} {
				if n, _ := server.Prepares(text); n != want {
					t.Errorf("%s: %s was prepared %d times, want %d", code, text, n, want)
				}
			}
			must(t, stmt.Close())
			synctest.Wait()
			rest(t, p)
		})
	}
}

func TestStatementsAsTextNeverPrepare(t *testing.T) {
	for _, shape := range []string{"Full", "Std", "Legacy"} {
		t.Run(shape, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				server.SetCacheQueries(true)
				db, _, _ := newDBOn(t, server, shapes[shape], sqlpool.Config{Statements: sqlpool.StatementsAsText, CacheQueries: true})
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
		{
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
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
		db, _, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, CacheQueries: true})
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

// countingConnector counts the sessions that database/sql asks for.
type countingConnector struct {
	driver.Connector
	connects atomic.Int64
}

func (c *countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.connects.Add(1)
	return c.Connector.Connect(ctx)
}

// With many callers on few connections, a session is not thrown away each time
// its connection goes to another caller: its statements would have to be
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

// A call that closes an old statement first has a context, and the close has none: when
// the context ends the connection is cut. However late the cut runs, it must not come
// under the next borrower.
func TestALateCutDoesNotMeetTheNextBorrower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		conn, err := db.Conn(t.Context())
		must(t, err)
		stmt, err := conn.PrepareContext(t.Context(), "SELECT old")
		must(t, err)
		defer stmt.Close()
		server.On(fakedb.StmtQuery, fakedb.Fault{Times: 1, Err: &fakedb.Error{Code: "42883"}})
		if ask(stmt.Query()) == nil {
			t.Fatal("the statement is not old")
		}
		server.On(fakedb.StmtClose, fakedb.Fault{Times: 1, Delay: 20 * time.Millisecond})
		late := server.On(fakedb.Abort, fakedb.Fault{Delay: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := conn.ExecContext(ctx, "SELECT old"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the context has ended: %v", err)
		}
		_ = conn.Close()
		server.On(fakedb.Exec, fakedb.Fault{Text: "INSERT", Delay: 2 * time.Second})
		if _, err := db.Exec("INSERT t"); err != nil {
			t.Errorf("the next borrower: %v", err)
		}
		if late.Hits() != 1 || server.Counts().Connects != 2 || server.Written("t") != 1 {
			t.Errorf("%d cuts, %d dials, %d written", late.Hits(), server.Counts().Connects, server.Written("t"))
		}
		rest(t, p)
	})
}
