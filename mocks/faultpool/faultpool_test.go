package faultpool_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/sqlpool"
)

var done = sqlmock.NewResult(0, 1)

// operations are the ways to an acquire.
var operations = map[string]func(*sql.DB) error{
	"exec":  func(db *sql.DB) error { _, err := db.Exec("DELETE FROM books"); return err },
	"query": func(db *sql.DB) error { return db.QueryRow("SELECT 1").Scan(new(int)) },
	"begin": func(db *sql.DB) error { _, err := db.Begin(); return err },
	"ping":  func(db *sql.DB) error { return db.Ping() },
	"conn":  func(db *sql.DB) error { _, err := db.Conn(context.Background()); return err },
	"prepare": func(db *sql.DB) error {
		_, err := db.Prepare("SELECT 1")
		return err
	},
}

var faults = []struct {
	name   string
	set    func(*faultpool.Faults)
	kind   error
	waited time.Duration
	says   string
}{
	{"time out", (*faultpool.Faults).TimeOut, sqlpool.ErrAcquireTimeout, 10 * time.Millisecond, "connections: 1 in use"},
	{"saturated", (*faultpool.Faults).Saturate, sqlpool.ErrSaturated, 0, "acquires that wait: 1"},
	{"down", func(f *faultpool.Faults) { f.TakeDown(nil) }, sqlpool.ErrUnavailable, 0, "connection refused"},
}

func TestEachFaultMeetsEveryOperation(t *testing.T) {
	for _, fault := range faults {
		for name, operate := range operations {
			for _, used := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					db, mock, faults, _ := faultpool.New(t)
					if used { // then database/sql has a session, which must not hide the fault
						mock.ExpectExec("SELECT").WillReturnResult(done)
						if _, err := db.Exec("SELECT 1"); err != nil {
							t.Fatal(err)
						}
					}
					fault.set(faults)
					for range 3 {
						start := time.Now()
						err := operate(db)
						var refused *sqlpool.AcquireError
						if !errors.Is(err, fault.kind) || !errors.As(err, &refused) || !strings.Contains(err.Error(), fault.says) {
							// A Conn of a session that was used finds out at its first operation.
							if name != "conn" || !used || err != nil {
								t.Errorf("%s, %s, used %t: %v", fault.name, name, used, err)
							}
						}
						if waited := time.Since(start); waited != fault.waited {
							t.Errorf("%s, %s: waited %v", fault.name, name, waited)
						}
					}
					faults.Restore()
					mock.ExpectExec("DELETE").WillReturnResult(done)
					if err := operations["exec"](db); err != nil {
						t.Errorf("%s, %s: after the fault: %v", fault.name, name, err)
					}
				})
			}
		}
	}
}

func TestADownDatabaseTellsItsCause(t *testing.T) {
	db, _, faults, _ := faultpool.New(t)
	faults.TakeDown(nil)
	if err := db.Ping(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
	starting := errors.New("starting up")
	faults.TakeDown(starting)
	if err := db.Ping(); !errors.Is(err, starting) || !errors.Is(err, sqlpool.ErrUnavailable) {
		t.Error(err)
	}
}

// What has its connection keeps it.
func TestATransactionOutlivesAFault(t *testing.T) {
	for _, fault := range faults {
		db, mock, faults, _ := faultpool.New(t)
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE").WillReturnResult(done)
		mock.ExpectCommit()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		fault.set(faults)
		if err := db.Ping(); !errors.Is(err, fault.kind) {
			t.Error(err)
		}
		_, err = tx.Exec("UPDATE books SET lent = true")
		if err := errors.Join(err, tx.Commit()); err != nil {
			t.Errorf("%s: %v", fault.name, err)
		}
	}
}

func TestAConnectionLostInATransaction(t *testing.T) {
	db, mock, _, _ := faultpool.New(t)
	mock.ExpectBegin()
	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
	mock.ExpectExec("DELETE").WillReturnResult(done)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec("UPDATE books SET lent = true")
	var lost *sqlpool.ConnLostError
	if !errors.Is(err, sqlpool.ErrConnLost) || !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &lost) || !lost.Sent {
		t.Error(err)
	}
	_ = tx.Rollback()
	if _, err := db.Exec("DELETE FROM books"); err != nil {
		t.Error("on another connection:", err)
	}
}

func TestFaultsMayChangeWhileTheDatabaseIsUsed(t *testing.T) {
	db, _, faults, _ := faultpool.New(t, sqlmock.MonitorPingsOption(false))
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 50 {
				var refused *sqlpool.AcquireError
				if err := db.Ping(); err != nil && !errors.As(err, &refused) {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		faults.Saturate()
		faults.TakeDown(nil)
		faults.Restore()
	}
	users.Wait()
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
}
