package library_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/examples/library"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// The functions here are the recipes of docs/testing.md; docs_test.go compares.

func TestLendWritesBothRows(t *testing.T) {
	db, mock := sqlmockpool.New(t) // was: db, mock, err := sqlmock.New()

	mock.ExpectBegin()
	mock.ExpectQuery("SELECT lent").WithArgs(1).WillReturnRows(mock.NewRows([]string{"lent"}).AddRow(false))
	mock.ExpectExec("UPDATE books").WithArgs(1).WillReturnResult(sqlmock.NewResult(0, 1))
	mock.ExpectExec("INSERT INTO loans").WithArgs(1, "Jane").WillReturnResult(sqlmock.NewResult(0, 1))
	mock.ExpectCommit()

	if err := (library.Shelf{DB: db}).Lend(t.Context(), 1, "Jane"); err != nil {
		t.Error(err)
	}
}

func TestTheServiceIsReady(t *testing.T) {
	db, mock := sqlmockpool.New(t, sqlmock.MonitorPingsOption(true), sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))

	mock.ExpectPing()
	if err := db.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithTheSettingsOfProduction(t *testing.T) {
	cfg, err := drivers.Config(drivers.PGX, "postgres://app@db.example/library?pool_max_conns=4")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Connector = nil // the mock's
	pool, db, mock := sqlmockpool.NewPool(t, cfg)

	mock.ExpectExec("DELETE FROM loans").WillReturnResult(sqlmock.NewResult(0, 3))
	if _, err := db.Exec("DELETE FROM loans"); err != nil {
		t.Error(err)
	}
	if s := pool.Stats(); s.MaxConns != 4 || s.InUse != 0 {
		t.Errorf("%+v", s)
	}
}

func firstTitle(ctx context.Context, db *sql.DB) (title string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT title FROM books ORDER BY title")
	if err != nil {
		return "", err
	}
	if rows.Next() { // one row is enough, and the others keep the connection
		err = rows.Scan(&title)
	}
	return title, err
}

func TestBusy(t *testing.T) {
	db, _, faults := faultpool.New(t)
	service := library.Shelf{DB: db}

	faults.Saturate() // or TimeOut, or TakeDown(nil)
	answer := serve(t, service, "GET", "/books")
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") != "1" {
		t.Error(answer.Code, answer.Header())
	}
	faults.Restore()
}

func TestLostWhileLending(t *testing.T) {
	db, mock, _ := faultpool.New(t)

	mock.ExpectBegin()
	mock.ExpectQuery("SELECT lent").WillReturnRows(mock.NewRows([]string{"lent"}).AddRow(false))
	mock.ExpectExec("UPDATE books").WillReturnError(faultpool.ErrConnReset)
	// No ExpectRollback: the connection took the transaction with it.

	err := (library.Shelf{DB: db}).Lend(t.Context(), 1, "Jane")
	if !errors.Is(err, sqlpool.ErrConnLost) {
		t.Error(err)
	}
}
