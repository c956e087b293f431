package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestCancelledIdleTransactionsCostOneDial(t *testing.T) {
	for _, shape := range []string{"Full", "Std", "Minimal"} {
		t.Run(shape, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{})
				if shape != "Minimal" { // a driver that would give up with its context
					server.On(fakedb.Rollback, fakedb.Fault{Delay: time.Millisecond})
				}
				for range 20 {
					ctx, cancel := context.WithCancel(context.Background())
					tx, err := db.BeginTx(ctx, nil)
					must(t, err)
					_, err = tx.Exec("INSERT t")
					must(t, err)
					cancel()
					time.Sleep(time.Second)
					if err := tx.Commit(); !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrTxDone) {
						t.Errorf("commit: %v", err)
					}
				}
				c := server.Counts()
				if c.Connects != 1 || c.Rollbacks != 20 || server.Written("t") != 0 || c.Execs+c.StmtExecs != 20 {
					t.Errorf("%d dials, %d rollbacks, %d written, %d statements", c.Connects, c.Rollbacks, server.Written("t"), c.Execs+c.StmtExecs)
				}
				rest(t, p)
			})
		})
	}
}

func TestCommitFollowsItsCallersContext(t *testing.T) {
	for _, shape := range []string{"Full", "Std"} {
		t.Run(shape, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{})
				server.On(fakedb.Commit, fakedb.Fault{Hang: fakedb.UntilDone})
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				tx, err := db.BeginTx(ctx, nil)
				must(t, err)
				start := time.Now()
				if err := tx.Commit(); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if d := time.Since(start); d != time.Second {
					t.Errorf("commit took %v", d)
				}
				synctest.Wait()
				for _, c := range server.Conns() {
					if c.TxStatus() != 'I' {
						t.Errorf("connection %d was kept in a transaction", c.ID())
					}
				}
				if g := p.Stats().Generation; g != 0 {
					t.Errorf("generation %d", g)
				}
			})
		})
	}
}

func TestRollbackIsBoundedByRollbackTimeout(t *testing.T) {
	for _, driver := range []struct {
		name, shape string
		hang        fakedb.Hang
	}{
		{"heeds its context, cannot be cut", "NoAbort", fakedb.UntilDone},
		{"deaf", "Full", fakedb.UntilAbort},
	} {
		t.Run(driver.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDBOn(t, fakedb.New(), shapes[driver.shape], sqlpool.Config{RollbackTimeout: 2 * time.Second})
				tx, err := db.Begin()
				must(t, err)
				server.On(fakedb.Rollback, fakedb.Fault{Times: 1, Hang: driver.hang})
				start := time.Now()
				if err := tx.Rollback(); err == nil {
					t.Error("no error")
				}
				if d := time.Since(start); d != 2*time.Second {
					t.Errorf("rollback took %v", d)
				}
				synctest.Wait()
				if n := server.Counts().Live; n != 0 {
					t.Errorf("%d connections kept", n)
				}
				if g := p.Stats().Generation; g != 0 {
					t.Errorf("generation %d", g)
				}
				must(t, db.Ping())
			})
		})
	}
}

func TestTheCallersContextInterruptsBegin(t *testing.T) {
	for _, shape := range []string{"Full", "Std"} {
		for stage, fault := range map[string]fakedb.Fault{
			"while it is sent":       {Hang: fakedb.UntilDone, Stage: fakedb.BeforeSend},
			"while the server works": {Hang: fakedb.UntilDone},
			"after the server began": {Hang: fakedb.UntilDone, Stage: fakedb.AfterEffect},
			"unnoticed":              {Delay: 2 * time.Second, Deaf: true, Stage: fakedb.AfterEffect},
		} {
			t.Run(shape+", "+stage, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{})
					rule := server.On(fakedb.BeginTx, fault)
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					tx, err := db.BeginTx(ctx, nil)
					synctest.Wait()
					if stage == "unnoticed" { // as with database/sql's own pool: the transaction exists, and is over
						must(t, err)
						_, err = tx.Exec("INSERT t")
						if !errors.Is(err, sql.ErrTxDone) && !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("a statement of a transaction that is over: %v", err)
						}
						if n := server.Counts().Rollbacks; n != 1 {
							t.Errorf("%d rollbacks of the driver's transaction, want 1: only that ends what a driver does for it", n)
						}
					} else if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
					for _, c := range server.Conns() {
						if c.TxStatus() != 'I' {
							t.Error("a connection was kept in a transaction")
						}
					}
					rule.Remove()
					if s := p.Stats(); s.Generation != 0 {
						t.Errorf("%+v", s)
					}
					must(t, db.Ping())
				})
			})
		}
	}
}

func TestATextBeginIsRolledBackBeforeTheNextLoan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Delay: time.Second})
		for range 2 {
			start := time.Now()
			_, err := db.Exec("BEGIN")
			if d := time.Since(start); err != nil || d > time.Second {
				t.Errorf("%v after %v: the caller paid for the one before", err, d)
			}
			start = time.Now()
			_, err = db.Exec("INSERT t")
			must(t, err)
			if d := time.Since(start); d != time.Second {
				t.Errorf("lent after %v, before the rollback's end", d)
			}
		}
		if n := server.Written("t"); n != 2 {
			t.Errorf("%d of 2 autocommits: lent inside a transaction", n)
		}
		if c := server.Counts(); c.Connects != 1 {
			t.Errorf("%d dials", c.Connects)
		}
		rest(t, p)
	})
}

func TestAFailedTransactionLeavesAUsableConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDB(t, sqlpool.Config{MaxConns: 1})
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
			tx, err := db.Begin()
			must(t, err)
			_, err = tx.Exec("FAIL 23505")
			if err == nil {
				t.Fatal("no error")
			}
			_, err = tx.Exec("INSERT t")
			if err == nil {
				t.Error("a failed transaction goes on")
			}
			_ = end(tx)
			synctest.Wait()
			must(t, db.Ping())
		}
		if c := server.Counts(); c.Connects != 1 || server.Written("t") != 0 {
			t.Errorf("%d dials, ledger %v", c.Connects, server.Ledger())
		}
		rest(t, p)
	})
}

func TestATransactionThatEndsDuringACopyRetiresItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reasons := make(chan string, 10)
		db, _, server := newDB(t, sqlpool.Config{Hooks: []sqlpool.Hooks{{
			OnClose: func(e sqlpool.Closed) { reasons <- sqlpool.ReasonCode(e.Reason) },
		}}})
		tx, err := db.Begin()
		must(t, err)
		_, err = tx.Prepare("COPY t FROM STDIN")
		must(t, err, tx.Commit())
		if r := <-reasons; r != sqlpool.CodePinned {
			t.Errorf("retired because of %q", r)
		}
		tx, err = db.Begin()
		must(t, err)
		copyIn, err := tx.Prepare("COPY t FROM STDIN")
		must(t, err)
		_, err = copyIn.Exec()
		must(t, err, copyIn.Close(), tx.Commit())
		synctest.Wait()
		if c := server.Counts(); c.Connects != 2 || c.Live != 1 || c.OpenStmts != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// endsStatements is Full as a driver whose transaction's context ends the
// statements in it.
func endsStatements(c *fakedb.Conn) driver.Conn { return endingConn{c} }

type endingConn struct{ *fakedb.Conn }

func (endingConn) TxContextEndsStatements() bool { return true }

func TestStatementsEndWithTheirTransactionWhereTheDriverWouldEndThem(t *testing.T) {
	type key struct{}
	for name, own := range map[string]func() (context.Context, context.CancelFunc){
		"no end of its own": func() (context.Context, context.CancelFunc) { return context.Background(), func() {} },
		"later deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDBOn(t, fakedb.New(), endsStatements, sqlpool.Config{})
				server.Script(func(c fakedb.Call) fakedb.Fault {
					if c.Point == fakedb.Exec && c.Ctx.Value(key{}) != "mine" {
						t.Errorf("%q lost its context's values", c.Text)
					}
					return fakedb.Fault{}
				})
				outer, cancelOuter := context.WithTimeout(context.Background(), time.Second)
				defer cancelOuter()
				tx, err := db.BeginTx(outer, nil)
				must(t, err)
				ctx, cancel := own()
				defer cancel()
				ctx = context.WithValue(ctx, key{}, "mine")
				start := time.Now()
				_, err = tx.ExecContext(ctx, "SLEEP 1m")
				if d := time.Since(start); d != time.Second || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("%v after %v", err, d)
				}
				if errors.Is(err, sqlpool.ErrConnLost) || p.Stats().Generation != 0 {
					t.Errorf("taken for the server's doing: %v", err)
				}
				_ = tx.Rollback()
				synctest.Wait()
				rest(t, p)
			})
		})
	}
}

func TestStatementsOfABoundTransactionHearTheirOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, _ := newDBOn(t, fakedb.New(), endsStatements, sqlpool.Config{})
		outer, cancelOuter := context.WithTimeout(context.Background(), time.Hour)
		defer cancelOuter()
		tx, err := db.BeginTx(outer, nil)
		must(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := tx.ExecContext(ctx, "SLEEP 1m"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		must(t, tx.Rollback())
	})
}

// followedContext counts who waits for its end.
type followedContext struct {
	context.Context
	followers atomic.Int64
}

func (c *followedContext) AfterFunc(f func()) (stop func() bool) {
	c.followers.Add(1)
	end := context.AfterFunc(c.Context, f)
	return func() bool {
		c.followers.Add(-1)
		return end()
	}
}

// Value hides the context below, which would take the followers itself.
func (c *followedContext) Value(any) any { return nil }

// A transaction of many statements does not remember each of them.
func TestABoundTransactionForgetsItsStatements(t *testing.T) {
	db, _, _ := newDBOn(t, fakedb.New(), endsStatements, sqlpool.Config{})
	inner, cancel := context.WithCancel(t.Context())
	defer cancel()
	outer := &followedContext{Context: inner}
	tx, err := db.BeginTx(outer, nil)
	must(t, err)
	before := outer.followers.Load()
	for range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := tx.ExecContext(ctx, "INSERT t")
		must(t, err)
		rows, err := tx.QueryContext(ctx, "SERIES 3")
		must(t, err)
		if n := outer.followers.Load(); n != before+1 {
			t.Fatalf("%d wait for the transaction's end while rows are read, want %d", n, before+1)
		}
		must(t, rows.Close())
		rows, err = tx.QueryContext(ctx, "SERIES 2")
		must(t, err)
		var n, last int
		for ; rows.Next(); n++ {
			must(t, rows.Scan(&last))
		}
		if rows.Err() != nil || n != 2 || last != 2 {
			t.Fatalf("%d rows, the last is %d: %v", n, last, rows.Err())
		}
		cancel()
	}
	if n := outer.followers.Load(); n != before {
		t.Errorf("%d wait for the transaction's end, %d before its statements", n, before)
	}
	must(t, tx.Commit())
}

// mapContext is a context whose type cannot be compared.
type mapContext struct {
	context.Context
	values map[string]any
}

func TestAContextNeedNotBeComparable(t *testing.T) {
	for _, shape := range []string{"Full", "Std", "Minimal"} {
		synctest.Test(t, func(t *testing.T) {
			db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{})
			inner, cancel := context.WithCancel(context.Background())
			defer cancel()
			ctx := mapContext{inner, map[string]any{}}
			tx, err := db.BeginTx(ctx, nil)
			must(t, err)
			_, err = tx.ExecContext(ctx, "INSERT t")
			must(t, err)
			must(t, tx.Commit())
			if _, err := db.ExecContext(ctx, "FAIL 23505"); err == nil {
				t.Error("no error")
			}
			if server.Written("t") != 1 {
				t.Error("not written")
			}
			rest(t, p)
		})
	}
}

// A BEGIN or COMMIT that its context interrupts may leave a driver that keeps the
// connection inside the transaction. A *sql.Conn does not go on in it: what it wrote
// there would be acknowledged and then rolled back.
func TestAConnDoesNotGoOnInsideATransactionThatWasInterrupted(t *testing.T) {
	for _, shape := range []string{"Full", "NoTxStatus", "Std"} {
		for name, interrupted := range map[string]func(*fakedb.DB, *sql.Conn) error{
			"BEGIN": func(server *fakedb.DB, conn *sql.Conn) error {
				defer server.On(fakedb.BeginTx, fakedb.Fault{Hang: fakedb.UntilDone, Stage: fakedb.AfterEffect}).Remove()
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_, err := conn.BeginTx(ctx, nil)
				return err
			},
			"COMMIT": func(server *fakedb.DB, conn *sql.Conn) error {
				defer server.On(fakedb.Commit, fakedb.Fault{Hang: fakedb.UntilDone}).Remove()
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				tx, err := conn.BeginTx(ctx, nil)
				must(t, err)
				return tx.Commit()
			},
			"ROLLBACK": func(server *fakedb.DB, conn *sql.Conn) error {
				defer server.On(fakedb.Rollback, fakedb.Fault{Err: errors.New("no")}).Remove()
				ctx, cancel := context.WithCancel(context.Background())
				tx, err := conn.BeginTx(ctx, nil)
				must(t, err)
				cancel()
				synctest.Wait() // database/sql rolls back
				return tx.Commit()
			},
		} {
			t.Run(name+", "+shape, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDBOn(t, fakedb.New(), shapes[shape], sqlpool.Config{MaxConns: 1})
					conn, err := db.Conn(t.Context())
					must(t, err)
					if err := interrupted(server, conn); err == nil {
						t.Fatal("no error")
					}
					acknowledged := 0
					if _, err := conn.ExecContext(t.Context(), "INSERT t"); err == nil {
						acknowledged++
					} else if !errors.Is(err, sqlpool.ErrConnLost) {
						t.Errorf("got %v", err)
					}
					must(t, conn.Close())
					_, err = db.Exec("INSERT t")
					must(t, err)
					acknowledged++
					synctest.Wait()
					if n := server.Written("t"); n != acknowledged {
						t.Errorf("%d of %d acknowledged writes are there", n, acknowledged)
					}
					if s := p.Stats(); s.Generation != 0 {
						t.Errorf("generation %d", s.Generation)
					}
					rest(t, p)
				})
			})
		}
	}
}
