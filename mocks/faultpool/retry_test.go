package faultpool_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

func TestAFaultEndsAfterItsAcquires(t *testing.T) {
	for _, fault := range faults {
		for name, operate := range operations {
			if name == "conn" { // of a session that was used, it finds out at its first operation
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				db, mock, faults, err := faultpool.New(t)
				if err != nil {
					t.Fatal(err)
				}
				mock.ExpectExec("DELETE").WillReturnResult(done)
				fault.set(faults.Next(2))
				for range 2 {
					if err := operate(db); !errors.Is(err, fault.kind) {
						t.Errorf("%s, %s: %v", fault.name, name, err)
					}
				}
				if err := operations["exec"](db); err != nil {
					t.Errorf("%s, %s: the third: %v", fault.name, name, err)
				}
			})
		}
	}
}

func TestCallersSideBySideShareTheRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, faults, err := faultpool.New(t)
		if err != nil {
			t.Fatal(err)
		}
		faults.Next(3).TimeOut()
		errs := make(chan error)
		for range 8 {
			go func() { errs <- db.Ping() }()
		}
		refused := 0
		for range 8 {
			if err := <-errs; errors.Is(err, sqlpool.ErrAcquireTimeout) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if refused != 3 {
			t.Errorf("%d acquires were refused", refused)
		}
	})
}

func TestAFaultBeginsAfterItsDelay(t *testing.T) {
	for _, fault := range faults {
		synctest.Test(t, func(t *testing.T) {
			db, _, faults, err := faultpool.New(t)
			if err != nil {
				t.Fatal(err)
			}
			fault.set(faults.After(time.Second).Next(1))
			if err := db.Ping(); err != nil {
				t.Errorf("%s, before: %v", fault.name, err)
			}
			time.Sleep(time.Second)
			if err := db.Ping(); !errors.Is(err, fault.kind) {
				t.Errorf("%s, then: %v", fault.name, err)
			}
			if err := db.Ping(); err != nil {
				t.Errorf("%s, afterwards: %v", fault.name, err)
			}
		})
	}
}

// What fails under a transaction, of which nothing was sent, may be run again.
func TestDisconnectBreaksWhatIsInUse(t *testing.T) {
	for name, operate := range map[string]func(*sql.Tx) error{
		"exec":   func(tx *sql.Tx) error { _, err := tx.Exec("UPDATE books SET lent = true"); return err },
		"query":  func(tx *sql.Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) },
		"commit": (*sql.Tx).Commit,
	} {
		for _, delay := range []time.Duration{0, time.Second} {
			synctest.Test(t, func(t *testing.T) {
				pool, db, mock, faults, err := faultpool.NewPool(t, sqlpool.Config{})
				if err != nil {
					t.Fatal(err)
				}
				mock.ExpectBegin()
				mock.ExpectExec("DELETE").WillReturnResult(done)
				tx, err := db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				faults.After(delay).Disconnect()
				time.Sleep(delay)
				err = operate(tx)
				var lost *sqlpool.ConnLostError
				if !errors.As(err, &lost) || lost.Sent || !lost.SafeToRetry() || !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("%s: %v", name, err)
				}
				_ = tx.Rollback()
				if _, err := db.Exec("DELETE FROM books"); err != nil {
					t.Errorf("%s, on another connection: %v", name, err)
				}
				synctest.Wait()
				if s := pool.Stats(); s.CloseCount != 1 {
					t.Errorf("%s: %+v", name, s)
				}
			})
		}
	}
}

// Both drivers tell it so in production: see internal/acceptance.
func TestRowsThatBreakMidway(t *testing.T) {
	rows := func() *sqlmock.Rows { return sqlmock.NewRows([]string{"id"}).AddRow(1).AddRow(2).AddRow(3) }
	for name, breaking := range map[string]func(*faultpool.Faults, *sqlmock.ExpectedQuery) func(){
		"an error of a row": func(_ *faultpool.Faults, q *sqlmock.ExpectedQuery) func() {
			q.WillReturnRows(rows().RowError(1, faultpool.ErrConnReset))
			return func() {}
		},
		"a broken connection": func(f *faultpool.Faults, q *sqlmock.ExpectedQuery) func() {
			q.WillReturnRows(rows())
			return f.Disconnect
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			db, mock, faults, err := faultpool.New(t)
			if err != nil {
				t.Fatal(err)
			}
			mock.ExpectBegin()
			begun := breaking(faults, mock.ExpectQuery("SELECT id"))
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			found, err := tx.Query("SELECT id FROM books")
			if err != nil {
				t.Fatal(err)
			}
			if !found.Next() {
				t.Errorf("%s: no row: %v", name, found.Err())
			}
			begun()
			if found.Next() {
				t.Errorf("%s: two rows", name)
			}
			if err := found.Err(); errors.Is(err, sqlpool.ErrConnLost) || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %v", name, err)
			}
			err = tx.Commit()
			var lost *sqlpool.ConnLostError
			if !errors.As(err, &lost) || lost.Sent {
				t.Errorf("%s: commit: %v", name, err)
			}
		})
	}
}

func TestAStandbyRefusesWrites(t *testing.T) {
	db, mock, faults, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}
	faults.RefuseWrites(nil)
	for _, write := range []string{
		"INSERT INTO books VALUES (1)", "-- name: Lend\nupdate books set lent = true", "/* a */ DELETE FROM books",
		"CREATE TABLE t ()", "TRUNCATE books", "COPY books FROM STDIN", "SELECT * FROM books FOR UPDATE", "select 1 for no key update",
		"WITH gone AS (DELETE FROM books RETURNING id) SELECT * FROM gone", "SELECT * FROM books FOR SHARE",
	} {
		var state interface{ SQLState() string }
		if _, err := db.Exec(write); !errors.As(err, &state) || state.SQLState() != "25006" {
			t.Errorf("%s: %v", write, err)
		}
		if err := db.QueryRow(write).Err(); !errors.As(err, &state) || !strings.Contains(err.Error(), "in a read-only transaction") {
			t.Errorf("%s: %v", write, err)
		}
	}
	for _, read := range []string{"SELECT 'INSERT' FROM books -- FOR UPDATE", "WITH a AS (SELECT 1) TABLE a", "SET search_path = a", "SELECT \"for update\" FROM t"} {
		mock.ExpectExec(".").WillReturnResult(done)
		if _, err := db.Exec(read); err != nil {
			t.Errorf("%s: %v", read, err)
		}
	}

	drivers := errors.New("the driver's own")
	faults.Next(1).RefuseWrites(drivers)
	mock.ExpectBegin()
	mock.ExpectRollback()
	mock.ExpectExec("INSERT").WillReturnResult(done)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO books VALUES (1)"); err != drivers {
		t.Error(err)
	}
	_ = tx.Rollback()
	if _, err := db.Exec("INSERT INTO books VALUES (1)"); err != nil {
		t.Error("on the new primary:", err)
	}
}

func TestTheFaultsAreThoseOfTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaks := leak.New(leak.Config{})
		pool, db, mock, faults, err := faultpool.NewPool(t, sqlpool.Config{
			Name: "orders", MaxConns: 4, MaxWaiters: 3, AcquireTimeout: time.Second, Hooks: []sqlpool.Hooks{leaks.Hooks()},
		})
		if err != nil {
			t.Fatal(err)
		}
		faults.TimeOut()
		start := time.Now()
		if err := db.Ping(); !errors.Is(err, sqlpool.ErrAcquireTimeout) || time.Since(start) != time.Second ||
			!strings.Contains(err.Error(), `sqlpool "orders"`) || !strings.Contains(err.Error(), "connections: 4 in use") {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		faults.Saturate()
		if err := db.Ping(); !errors.Is(err, sqlpool.ErrSaturated) || !strings.Contains(err.Error(), "acquires that wait: 3") {
			t.Error(err)
		}
		faults.Restore()
		mock.ExpectBegin()
		mock.ExpectRollback()
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(leaks.Holders()); n != 1 || pool.Stats().InUse != 1 {
			t.Errorf("the hooks saw %d loans", n)
		}
		_ = tx.Rollback()
	})
}

func TestFaultsWithoutATest(t *testing.T) {
	var verdict sqlmockpool.Verdict
	db, mock, faults, err := faultpool.New(&verdict)
	if err != nil {
		t.Fatal(err)
	}
	faults.Next(1).Saturate()
	if err := db.Ping(); !errors.Is(err, sqlpool.ErrSaturated) {
		t.Error(err)
	}
	mock.ExpectExec("DELETE")
	if err := verdict.End(); err == nil || !strings.Contains(err.Error(), "faultpool: 1 of 1 expectations not met") {
		t.Error(err)
	}
}
