package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// open opens that many connections of the pool and leaves them idle.
func open(t *testing.T, p *sqlpool.Pool, n int) {
	t.Helper()
	var loans []sqlpool.Loan
	for range n {
		loan, err := p.Acquire(context.Background())
		must(t, err)
		loans = append(loans, loan)
	}
	for _, loan := range loans {
		must(t, loan.Release())
	}
}

// ask reads an answer to its end.
func ask(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Close()
}

func TestStaleConnectionsInARowDoNotReachTheCaller(t *testing.T) {
	for name, death := range map[string]fakedb.Death{
		"seen":   {},
		"hidden": {Hidden: true},
	} {
		for verb, do := range map[string]func(*sql.DB, *sql.Stmt) error{
			"exec":     func(db *sql.DB, _ *sql.Stmt) error { _, err := db.Exec("INSERT t"); return err },
			"query":    func(db *sql.DB, _ *sql.Stmt) error { return ask(db.Query("INSERT t")) },
			"prepared": func(_ *sql.DB, s *sql.Stmt) error { _, err := s.Exec("t"); return err },
			"begin": func(db *sql.DB, _ *sql.Stmt) error {
				tx, err := db.Begin()
				if err != nil {
					return err
				}
				_, err = tx.Exec("INSERT t")
				return errors.Join(err, tx.Commit())
			},
			"conn": func(db *sql.DB, _ *sql.Stmt) error {
				conn, err := db.Conn(context.Background())
				if err != nil {
					return err
				}
				defer conn.Close()
				_, err = conn.ExecContext(context.Background(), "INSERT t")
				return err
			},
		} {
			t.Run(verb+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDB(t, sqlpool.Config{MaxConns: 5})
					stmt, err := db.Prepare("INSERT ?")
					must(t, err)
					open(t, p, 5)
					server.KillAllWith(death)
					must(t, do(db, stmt))
					if n := server.Written("t"); n != 1 {
						t.Errorf("written %d times", n)
					}
					must(t, stmt.Close())
				})
			})
		}
	}
}

// safe is what pgx says of a COMMIT whose reply was lost.
type safe struct{}

func (safe) Error() string     { return "conn closed" }
func (safe) SafeToRetry() bool { return true }

// lostReply is a server that does what it was asked and dies before it answers.
func lostReply(err error) func(*fakedb.DB) {
	return func(s *fakedb.DB) {
		for _, p := range []fakedb.Point{fakedb.Exec, fakedb.Query, fakedb.StmtExec, fakedb.StmtQuery} {
			s.On(p, fakedb.Fault{Text: "INSERT", Times: 1, Stage: fakedb.AfterEffect, Kill: true, Err: err})
		}
		s.On(fakedb.Commit, fakedb.Fault{Times: 1, Stage: fakedb.AfterEffect, Kill: true, Err: err})
	}
}

func TestAnInsertWhoseReplyIsLostIsWrittenOnceWithOneError(t *testing.T) {
	ctx := context.Background()
	type verb struct {
		name    string
		written int
		do      func(*sql.DB) error
	}
	for _, v := range []verb{
		{"exec", 1, func(db *sql.DB) error { _, err := db.Exec("INSERT t"); return err }},
		{"exec with an argument", 1, func(db *sql.DB) error { _, err := db.Exec("INSERT ?", "t"); return err }},
		{"query", 1, func(db *sql.DB) error { return ask(db.Query("INSERT t")) }},
		{"query with an argument", 1, func(db *sql.DB) error { return ask(db.Query("INSERT ?", "t")) }},
		{"prepared exec", 1, func(db *sql.DB) error {
			s, err := db.Prepare("INSERT ?")
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.Exec("t")
			return err
		}},
		{"prepared query", 1, func(db *sql.DB) error {
			s, err := db.Prepare("INSERT ?")
			if err != nil {
				return err
			}
			defer s.Close()
			return ask(s.Query("t"))
		}},
		{"in a transaction", 0, func(db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			_, err = tx.Exec("INSERT t")
			if later := ask(tx.Query("SELECT 1")); !errors.Is(later, sqlpool.ErrConnLost) {
				return errors.Join(errors.New("the transaction went on"), later)
			}
			if commit := tx.Commit(); !errors.Is(commit, sqlpool.ErrConnLost) {
				return errors.Join(errors.New("the transaction committed"), commit)
			}
			return err
		}},
		{"commit", 1, func(db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			_, err = tx.Exec("insert t") // not the text that the script looks for
			return errors.Join(err, tx.Commit())
		}},
		{"conn", 1, func(db *sql.DB) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.ExecContext(ctx, "INSERT t")
			if _, later := conn.ExecContext(ctx, "noop"); !errors.Is(later, sqlpool.ErrConnLost) {
				return errors.Join(errors.New("the connection went on"), later)
			}
			if later := conn.PingContext(ctx); !errors.Is(later, sqlpool.ErrConnLost) {
				return errors.Join(errors.New("the connection pinged"), later)
			}
			return err
		}},
	} {
		for cause, err := range map[string]error{"ErrBadConn": driver.ErrBadConn, "EOF": io.EOF, "unexpected EOF": io.ErrUnexpectedEOF, "a driver that is wrong": safe{}} {
			for _, shape := range []string{"Full", "Std", "NoSent", "StmtChecker"} {
				t.Run(v.name+", "+cause+", "+shape, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{})
						lostReply(err)(server)
						err := v.do(db)
						var lost *sqlpool.ConnLostError
						switch {
						case err == nil || errors.Is(err, driver.ErrBadConn) || !errors.Is(err, sqlpool.ErrConnLost):
							t.Fatalf("got %v", err)
						case !errors.As(err, &lost) || lost.SafeToRetry():
							t.Errorf("safe to retry: %v", err)
						}
						if n := server.Written("t"); n > v.written || shape != "StmtChecker" && n != v.written {
							t.Errorf("written %d times, want %d", n, v.written)
						}
						must(t, db.Ping()) // what was handed back works again
						_, err = db.Exec("noop")
						must(t, err)
						if p.Stats().Generation == 0 {
							t.Error("the others are not under suspicion")
						}
						synctest.Wait()
						rest(t, p)
					})
				})
			}
		}
	}
}

func TestATransactionOnADeadConnectionDoesNotGoOnOnAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 5})
		open(t, p, 3)
		tx, err := db.Begin()
		must(t, err)
		server.KillAllWith(fakedb.Death{Hidden: true})
		_, err = tx.Exec("INSERT t")
		var lost *sqlpool.ConnLostError
		if !errors.As(err, &lost) || !lost.SafeToRetry() {
			t.Errorf("nothing was sent, got %v", err)
		}
		if _, err := tx.Prepare("SELECT 1"); !errors.Is(err, sqlpool.ErrConnLost) {
			t.Errorf("prepare: %v", err)
		}
		if err := tx.Rollback(); !errors.Is(err, sqlpool.ErrConnLost) {
			t.Errorf("rollback: %v", err)
		}
		_, err = db.Exec("INSERT u")
		must(t, err)
		if server.Written("t") != 0 || server.Written("u") != 1 {
			t.Errorf("ledger %v", server.Ledger())
		}
	})
}

func TestACancelledStatementIsNoEvidenceAgainstTheServer(t *testing.T) {
	for name, fault := range map[string]fakedb.Fault{
		"honest driver":                     {},
		"driver that closes the connection": {Kill: true, Hang: fakedb.UntilDone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDB(t, sqlpool.Config{MaxConns: 2})
				if fault.Kill {
					server.On(fakedb.Exec, fault)
				}
				for range 10 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					start := time.Now()
					_, err := db.ExecContext(ctx, "SLEEP 5s")
					if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sqlpool.ErrConnLost) {
						t.Errorf("got %v", err)
					}
					if d := time.Since(start); d != time.Second {
						t.Errorf("took %v", d)
					}
					cancel()
				}
				if s := p.Stats(); s.Generation != 0 || s.TimeoutCount != 0 {
					t.Errorf("%+v", s)
				}
				server.Clear()
				must(t, db.Ping())
			})
		})
	}
}

func TestALostConnectionUnderAnEndedContextIsTheCallersDoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{})
		// A driver that puts the deadline on its socket sees it a little sooner.
		server.On(fakedb.Exec, fakedb.Fault{Text: "INSERT", Delay: time.Second, Deaf: true, Err: io.ErrUnexpectedEOF})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := db.ExecContext(ctx, "INSERT t")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if g := p.Stats().Generation; g != 0 {
			t.Errorf("generation %d", g)
		}
		synctest.Wait()
		if n := server.Counts().Live; n != 0 {
			t.Error("the connection was kept")
		}
	})
}

func TestAnEndedContextNeverReachesTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDB(t, sqlpool.Config{})
		must(t, db.Ping())
		conn, err := db.Conn(context.Background())
		must(t, err)
		defer conn.Close()
		must(t, conn.PingContext(context.Background()))
		stmt, err := conn.PrepareContext(context.Background(), "SELECT 1")
		must(t, err)
		server.Script(func(c fakedb.Call) fakedb.Fault {
			if c.Ctx.Err() != nil {
				t.Errorf("%v was called with a context that has ended", c.Point)
			}
			return fakedb.Fault{}
		})
		before := server.Counts()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, execErr := conn.ExecContext(ctx, "noop")
		_, queryErr := conn.QueryContext(ctx, "SELECT 1")
		_, prepareErr := conn.PrepareContext(ctx, "SELECT 2")
		_, stmtErr := stmt.ExecContext(ctx)
		_, beginErr := conn.BeginTx(ctx, nil)
		for _, err := range []error{execErr, queryErr, prepareErr, stmtErr, beginErr, conn.PingContext(ctx)} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if after := server.Counts(); after != before {
			t.Errorf("the driver was called: %+v, before %+v", after, before)
		}
	})
}

// A reply is lost in the moment in which the caller gives up, and the driver says
// that nothing was sent. The caller must not believe it.
func TestALostReplyOfACancelledCallIsNotCalledSafe(t *testing.T) {
	for _, verb := range []string{"exec", "commit"} {
		synctest.Test(t, func(t *testing.T) {
			db, _, server := newDB(t, sqlpool.Config{})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			server.Script(func(c fakedb.Call) fakedb.Fault {
				if verb == "exec" && c.Point == fakedb.Exec && c.Text == "INSERT t" || verb == "commit" && c.Point == fakedb.Commit {
					cancel()
					return fakedb.Fault{Stage: fakedb.AfterEffect, Kill: true, Err: safe{}}
				}
				return fakedb.Fault{}
			})
			var err error
			if verb == "exec" {
				_, err = db.ExecContext(ctx, "INSERT t")
			} else {
				var tx *sql.Tx
				tx, err = db.BeginTx(context.WithoutCancel(ctx), nil)
				must(t, err)
				_, err = tx.Exec("insert t")
				must(t, err)
				err = tx.Commit()
			}
			var lie interface{ SafeToRetry() bool }
			if err == nil || errors.As(err, &lie) && lie.SafeToRetry() {
				t.Errorf("%s: the caller is told %v, and %d are written", verb, err, server.Written("t"))
			}
		})
	}
}
