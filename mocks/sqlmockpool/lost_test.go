package sqlmockpool_test

import (
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// These errors end the connection and put the others under suspicion.
func TestAMockedErrorOfTheConnection(t *testing.T) {
	for _, cause := range []error{driver.ErrBadConn, io.ErrUnexpectedEOF, state("57P01"), state("08006")} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeTB{TB: t}
			pool, db, mock, _ := sqlmockpool.NewPool(f, sqlpool.Config{}, sqlmock.MonitorPingsOption(true))
			mock.ExpectBegin()
			mock.ExpectExec("UPDATE").WillReturnError(cause)
			mock.ExpectBegin().WillReturnError(cause)
			mock.ExpectExec("DELETE").WillReturnResult(done)

			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec("UPDATE books SET lent = true")
			lost(t, "exec", err, cause)
			if err := tx.Commit(); err == nil {
				t.Error("committed")
			}
			_ = tx.Rollback() // reaches no mock: the server has rolled back
			_, err = db.Begin()
			lost(t, "begin", err, cause)
			if _, err := db.Exec("DELETE FROM books"); err != nil {
				t.Error("after it:", err)
			}
			if s := pool.Stats(); s.CloseCount == 0 {
				t.Errorf("%v: no connection was retired: %+v", cause, s)
			}
			f.end()
			if len(f.errors) > 0 {
				t.Errorf("%q", f.errors)
			}
		})
	}
}

// lost checks that err is what a lost connection is in production.
func lost(t *testing.T, what string, err, cause error) {
	t.Helper()
	var server state
	switch {
	case errors.Is(err, driver.ErrBadConn):
		t.Errorf("%s: %v asks database/sql to run it again", what, err)
	case errors.As(cause, &server):
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v", what, err)
		}
	case !errors.Is(err, sqlpool.ErrConnLost):
		t.Errorf("%s: %v is not ErrConnLost", what, err)
	case cause != driver.ErrBadConn && !errors.Is(err, cause):
		t.Errorf("%s: %v does not unwrap to %v", what, err, cause)
	}
}

// state is a server's error with an SQLSTATE.
type state string

// SQLState is how both drivers' errors tell it.
func (s state) SQLState() string { return string(s) }
func (s state) Error() string    { return "SQLSTATE " + string(s) }

// A stale statement is prepared and executed again by the pool, where it may.
// The mock was asked once.
func TestAMockedStalePlan(t *testing.T) {
	db, mock, _ := sqlmockpool.New(t)
	mock.ExpectPrepare("SELECT").WillBeClosed()
	mock.ExpectExec("SELECT").WillReturnError(state("0A000"))
	mock.ExpectExec("SELECT").WillReturnResult(done)
	stmt, err := db.Prepare("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stmt.Exec(); !errors.Is(err, state("0A000")) {
		t.Error(err)
	}
	if _, err := stmt.Exec(); err != nil {
		t.Error(err)
	}
	if err := stmt.Close(); err != nil {
		t.Error(err)
	}
}
