package sqlpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// statements notes what OnStatement is told.
type statements struct {
	t    *testing.T
	text []string
	open int
	last sqlpool.Executed
}

func (s *statements) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{OnStatement: func(ctx context.Context, e *sqlpool.Executing) func(sqlpool.Executed) {
		began := fmt.Sprintf("%s %q %d", e.Op, e.Text, e.Args)
		if e.Prepared {
			began += " prepared"
		}
		if who := ctx.Value(callerKey{}); who != nil {
			began += fmt.Sprint(" by ", who)
		}
		s.open++
		ended := false
		return func(e sqlpool.Executed) {
			if ended {
				s.t.Errorf("%s ended twice", began)
			}
			ended = true
			s.open--
			s.last = e
			if e.Err != nil {
				began += " failed"
			}
			s.text = append(s.text, began)
		}
	}}
}

type callerKey struct{}

func (s *statements) take() string {
	text := strings.Join(s.text, "\n")
	s.text = nil
	return text
}

func TestEveryOperationIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := statements{t: t}
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{told.hooks()}})
		ctx := context.WithValue(context.Background(), callerKey{}, "ada")
		want := func(want ...string) {
			t.Helper()
			if got := told.take(); got != strings.Join(want, "\n") {
				t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
			if told.open != 0 {
				t.Errorf("%d have not ended", told.open)
			}
		}
		must(t, db.PingContext(ctx))
		want(`ping "" 0 by ada`)
		_, err := db.ExecContext(ctx, "INSERT a")
		must(t, err)
		want(`exec "INSERT a" 0 by ada`)
		_, err = db.Exec("INSERT $1", "b")
		must(t, err)
		want(`exec "INSERT $1" 1`)
		var n int
		must(t, db.QueryRowContext(ctx, "SELECT 1").Scan(&n))
		want(`query "SELECT 1" 0 by ada`)

		st, err := db.PrepareContext(ctx, "INSERT $1")
		must(t, err)
		_, err = st.ExecContext(ctx, "c")
		must(t, err, st.Close())
		want(`prepare "INSERT $1" 0 by ada`, `exec "INSERT $1" 1 prepared by ada`)

		tx, err := db.BeginTx(ctx, nil)
		must(t, err)
		_, err = tx.Exec("INSERT d")
		must(t, err, tx.Commit())
		want(`begin "" 0 by ada`, `exec "INSERT d" 0`, `commit "" 0 by ada`)
		tx, err = db.BeginTx(ctx, nil)
		must(t, err, tx.Rollback())
		want(`begin "" 0 by ada`, `rollback "" 0 by ada`)

		boom := errors.New("boom")
		server.On(fakedb.Exec, fakedb.Fault{Err: boom, Times: 1})
		if _, err = db.Exec("INSERT e"); !errors.Is(err, boom) || told.last.Err != err {
			t.Errorf("the caller got %v, the hook %v", err, told.last.Err)
		}
		want(`exec "INSERT e" 0 failed`)
		rest(t, p)
	})
}

func TestAQueryEndsWithItsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := statements{t: t}
		db, _, server := newDB(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{told.hooks()}})
		server.On(fakedb.Query, fakedb.Fault{Delay: time.Second})
		rows, err := db.Query("SELECT 3")
		must(t, err)
		if told.open != 1 {
			t.Errorf("%d are open while rows are read", told.open)
		}
		time.Sleep(2 * time.Second)
		for rows.Next() {
		}
		must(t, rows.Close(), rows.Err())
		if e := told.last; told.open != 0 || e.Answered != time.Second || e.Took != 3*time.Second || e.Err != nil || e.Conn == nil {
			t.Errorf("%+v", e)
		}
		boom := errors.New("boom")
		server.On(fakedb.RowsNext, fakedb.Fault{Skip: 1, Times: 1, Err: boom})
		rows, err = db.Query("SELECT 3")
		must(t, err)
		for rows.Next() {
		}
		if err := rows.Err(); !errors.Is(err, boom) || !errors.Is(told.last.Err, boom) {
			t.Errorf("the caller got %v, the hook %v", err, told.last.Err)
		}
		_ = rows.Close()
	})
}

func TestOnlyTheFirstOperationOfALoanHasWaited(t *testing.T) {
	for shape, of := range map[string]fakedb.Shape{"Full": fakedb.Full, "Holding": fakedb.Holding} {
		t.Run(shape, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var waited []time.Duration
				db, p, server := newDBOn(t, fakedb.New(), of, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
					OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) {
						return func(e sqlpool.Executed) { waited = append(waited, e.Waited) }
					},
				}}})
				busy := func() {
					loan := acquire(t, p)
					go func() {
						time.Sleep(time.Second)
						_ = loan.Release()
					}()
				}
				told := func(want ...time.Duration) {
					t.Helper()
					if fmt.Sprint(waited) != fmt.Sprint(want) {
						t.Errorf("waited %v, want %v", waited, want)
					}
					waited = nil
				}
				busy()
				tx, err := db.Begin()
				must(t, err)
				_, err = tx.Exec("INSERT a")
				must(t, err, tx.Commit())
				told(time.Second, 0, 0)
				if shape != "Holding" {
					return
				}
				// The transaction leaves a dead connection before its first statement, and waits for another one.
				tx, err = db.Begin()
				must(t, err)
				server.KillAll()
				server.On(fakedb.Connect, fakedb.Fault{Times: 1, Delay: 2 * time.Second})
				_, err = tx.Exec("INSERT b")
				must(t, err, tx.Commit())
				told(0, 2*time.Second, 0)
			})
		})
	}
}

func TestAHookMayChangeTheText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tag := sqlpool.Hooks{OnStatement: func(_ context.Context, e *sqlpool.Executing) func(sqlpool.Executed) {
			if e.Text != "" {
				e.Text += " /*tag*/"
			}
			return nil
		}}
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{tag}})
		var texts []string
		server.Script(func(c fakedb.Call) fakedb.Fault {
			if c.Point == fakedb.Exec || c.Point == fakedb.Prepare || c.Point == fakedb.Query {
				texts = append(texts, c.Text)
			}
			return fakedb.Fault{}
		})
		_, err := db.Exec("INSERT a")
		must(t, err)
		st, err := db.Prepare("INSERT b")
		must(t, err, st.Close())
		rows, err := db.Query("SELECT 1")
		must(t, err, rows.Close())
		if got := strings.Join(texts, "; "); got != "INSERT a /*tag*/; INSERT b /*tag*/; SELECT 1 /*tag*/" {
			t.Errorf("the server got %s", got)
		}
		rest(t, p)
	})
}

// TestAStatementHookThatFailsHarmsNoOutcome: what it is told at the end has
// happened already, whatever the hook does. Those beside it are told all the same.
func TestAStatementHookThatFailsHarmsNoOutcome(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		for _, moment := range []string{"begin", "end"} {
			for op, do := range map[string]func(*sql.DB) error{
				"exec": func(db *sql.DB) error { _, err := db.Exec("INSERT a"); return err },
				"query": func(db *sql.DB) error {
					rows, err := db.Query("SELECT 2")
					if err == nil {
						err = rows.Close()
					}
					return err
				},
				"prepare": func(db *sql.DB) error {
					st, err := db.Prepare("INSERT a")
					if err == nil {
						err = st.Close()
					}
					return err
				},
				"transaction": func(db *sql.DB) error {
					tx, err := db.Begin()
					if err != nil {
						return err
					}
					defer tx.Rollback()
					if _, err = tx.Exec("INSERT a"); err != nil {
						return err
					}
					return tx.Commit()
				},
				"ping": func(db *sql.DB) error { return db.Ping() },
			} {
				t.Run(name+" "+moment+" "+op, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						fails := false
						told := statements{t: t}
						bad := sqlpool.Hooks{OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) {
							if moment == "begin" && fails {
								fails = false
								fail()
							}
							return func(sqlpool.Executed) {
								if moment == "end" && fails {
									fails = false
									fail()
								}
							}
						}}
						db, p, _ := newDB(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{told.hooks(), bad, told.hooks()}})
						must(t, db.Ping())
						fails = true
						var err error
						apart(func() { err = do(db) })
						if fails {
							t.Fatal("the hook was not called")
						}
						var panicked *sqlpool.HookPanic
						switch {
						case moment == "end" && err != nil:
							t.Errorf("the caller got %v", err)
						case moment == "begin" && name == "panic" && !errors.As(err, &panicked):
							t.Errorf("the caller got %v", err)
						}
						if told.open != 0 {
							t.Errorf("%d have not ended for the hooks beside it", told.open)
						}
						synctest.Wait()
						must(t, db.Ping()) // the slot is there
						closed := uint64(1)
						if name == "panic" && moment == "begin" {
							closed = 0 // nothing was done with it
						}
						if s := p.Stats(); uint64(s.CloseCount) != closed {
							t.Errorf("%d connections were closed, want %d", s.CloseCount, closed)
						}
						rest(t, p)
					})
				})
			}
		}
	}
}
