package library_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/examples/library"
	"github.com/sqlpool/go/mocks/sqlmockpool"
)

// mode is what a test runs on: a mock, or a real server through one driver.
type mode struct {
	db   *sql.DB
	mock sqlmock.Sqlmock // nil on a real server
}

// expect tells the mock what comes. A real server needs no telling.
func (m mode) expect(f func(mock sqlmock.Sqlmock)) {
	if m.mock != nil {
		f(m.mock)
	}
}

// eachMode runs a test on sqlmock and, if SQLPOOL_TEST_DSN is set, on that
// server through each driver, with these books on the shelf.
func eachMode(t *testing.T, books []library.Book, test func(t *testing.T, on mode)) {
	t.Run("sqlmock", func(t *testing.T) {
		db, mock, err := sqlmockpool.New(t)
		if err != nil {
			t.Fatal(err)
		}
		test(t, mode{db, mock})
	})
	dsn := os.Getenv("SQLPOOL_TEST_DSN")
	if dsn == "" {
		return
	}
	for _, driver := range []string{drivers.PGX, drivers.PQ} {
		t.Run(driver, func(t *testing.T) {
			test(t, mode{db: shelved(t, driver, dsn, books)})
		})
	}
}

// shelved opens a schema of the test's own on a real server, with books in it.
func shelved(t *testing.T, driver, dsn string, books []library.Book) *sql.DB {
	t.Helper()
	admin := opened(t, driver, dsn)
	schema := fmt.Sprintf("library_%d_%s", os.Getpid(), driver[len("sqlpool-"):])
	exec(t, admin, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { exec(t, admin, "DROP SCHEMA "+schema+" CASCADE") })
	own, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("SQLPOOL_TEST_DSN is to be a postgres:// URL: ", err)
	}
	query := own.Query()
	query.Set("search_path", schema)
	own.RawQuery = query.Encode()
	db := opened(t, driver, own.String())
	if err := library.Create(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, b := range books {
		exec(t, db, "INSERT INTO books (id, title, lent) VALUES ($1, $2, $3)", b.ID, b.Title, b.Lent)
	}
	return db
}

func opened(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := library.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err) // names who still held what
		}
	})
	return db
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatal(err)
	}
}
