package library_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	db, mock, err := sqlmockpool.New(t) // was: sqlmock.New()
	if err != nil {
		t.Fatal(err)
	}

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
	db, mock, err := sqlmockpool.New(t, sqlmock.MonitorPingsOption(true), sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))
	if err != nil {
		t.Fatal(err)
	}

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
	pool, db, mock, err := sqlmockpool.NewPool(t, cfg)
	if err != nil {
		t.Fatal(err)
	}

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
	db, _, faults, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}
	service := library.Shelf{DB: db}

	faults.Saturate() // or TimeOut, or TakeDown(nil)
	answer := serve(t, service, "GET", "/books")
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") != "1" {
		t.Error(answer.Code, answer.Header())
	}
	faults.Restore()
}

func TestLostWhileLending(t *testing.T) {
	db, mock, _, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}

	mock.ExpectBegin()
	mock.ExpectQuery("SELECT lent").WillReturnRows(mock.NewRows([]string{"lent"}).AddRow(false))
	mock.ExpectExec("UPDATE books").WillReturnError(faultpool.ErrConnReset)
	// No ExpectRollback: the connection took the transaction with it.

	err = (library.Shelf{DB: db}).Lend(t.Context(), 1, "Jane")
	if !errors.Is(err, sqlpool.ErrConnLost) {
		t.Error(err)
	}
}

func TestABorrowedDatabase(t *testing.T) {
	db, mock, err := sqlmockpool.New(t) // once, for all that follows
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"Emma", "Persuasion"} {
		t.Run(title, func(t *testing.T) {
			sqlmockpool.Watch(t, mock)

			mock.ExpectExec("DELETE FROM books").WithArgs(title).WillReturnResult(sqlmock.NewResult(0, 1))
			if _, err := db.ExecContext(t.Context(), "DELETE FROM books WHERE title = $1", title); err != nil {
				t.Error(err)
			}
		})
	}
}

func Example_verdict() {
	var verdict sqlmockpool.Verdict
	db, mock, err := sqlmockpool.New(&verdict)
	if err != nil {
		fmt.Println(err)
		return
	}

	mock.ExpectExec("DELETE FROM loans").WillReturnResult(sqlmock.NewResult(0, 3))
	if _, err := db.Exec("DELETE FROM loans"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("verdict:", verdict.End())
	// Output: verdict: <nil>
}

// patiently tries again what was refused before anything was sent.
func patiently(tries int, f func() error) (err error) {
	for range tries {
		err = f()
		var lost *sqlpool.ConnLostError
		refused := errors.Is(err, sqlpool.ErrSaturated) || errors.Is(err, sqlpool.ErrAcquireTimeout)
		if !refused && !(errors.As(err, &lost) && lost.SafeToRetry()) {
			return err
		}
	}
	return err
}

func TestTheThirdTrySucceeds(t *testing.T) {
	db, mock, faults, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}

	faults.Next(2).Saturate()
	mock.ExpectExec("DELETE FROM loans").WillReturnResult(sqlmock.NewResult(0, 3))
	err = patiently(3, func() error { _, err := db.Exec("DELETE FROM loans"); return err })
	if err != nil {
		t.Error(err)
	}
}
