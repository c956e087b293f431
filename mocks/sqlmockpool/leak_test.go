package sqlmockpool_test

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/sqlmockpool"
)

// lineBefore is the line before the one that calls it, as a leak names it.
func lineBefore() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line-1)
}

// leakers forget to give a connection back, and say on which line.
var leakers = []struct {
	name, says string
	leak       func(ctx context.Context, db *sql.DB, mock sqlmock.Sqlmock) string
}{
	{"Rows", `Rows, a Stmt's Rows or a Conn was not closed; last statement "SELECT title FROM books"`, func(ctx context.Context, db *sql.DB, mock sqlmock.Sqlmock) string {
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma"))
		rows, _ := db.QueryContext(ctx, "SELECT title FROM books")
		line := lineBefore()
		rows.Next()
		return line
	}},
	{"a Stmt's Rows", `last statement "SELECT title FROM books"`, func(ctx context.Context, db *sql.DB, mock sqlmock.Sqlmock) string {
		mock.ExpectPrepare("SELECT").ExpectQuery().WillReturnRows(titles("Emma"))
		stmt, _ := db.PrepareContext(ctx, "SELECT title FROM books")
		_, _ = stmt.QueryContext(ctx)
		return lineBefore()
	}},
	{"a Tx", "a Tx was neither committed nor rolled back", func(ctx context.Context, db *sql.DB, mock sqlmock.Sqlmock) string {
		mock.ExpectBegin()
		_, _ = db.BeginTx(ctx, nil)
		return lineBefore()
	}},
	{"a Conn", "Rows, a Stmt's Rows or a Conn was not closed", func(ctx context.Context, db *sql.DB, mock sqlmock.Sqlmock) string {
		conn, _ := db.Conn(ctx)
		_ = conn.PingContext(ctx)
		return lineBefore()
	}},
}

func TestALeakFailsItsTestWithItsLine(t *testing.T) {
	for _, l := range leakers {
		for _, how := range []string{"database left open", "database closed", "context of the test"} {
			t.Run(l.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fakeTB{TB: t}
					db, mock, _ := sqlmockpool.New(f)
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel() // ends database/sql's goroutines
					if how == "context of the test" {
						ctx = f.Context()
					}
					line := l.leak(ctx, db, mock)
					if how == "database closed" {
						start := time.Now()
						db.Close()
						if waited := time.Since(start); waited > 0 {
							t.Errorf("db.Close waited %v for the leak", waited)
						}
					}
					if len(f.errors) > 0 {
						t.Errorf("before the test's end: %q", f.errors)
					}
					f.end()
					if len(f.errors) != 1 || !strings.HasPrefix(f.errors[0], "sqlmockpool: leak at "+line+": ") || !strings.Contains(f.errors[0], l.says) {
						t.Errorf("want the leak at %s (%s), got %q", line, l.says, f.errors)
					}
				})
			})
		}
	}
}

// A Tx whose context ends is rolled back by database/sql, in its own time.
func TestWhatAContextGivesBackIsNoLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTB{TB: t}
		db, mock, _ := sqlmockpool.New(f)
		mock.ExpectBegin()
		mock.ExpectRollback()
		ctx, cancel := context.WithCancel(context.Background())
		if _, err := db.BeginTx(ctx, nil); err != nil {
			t.Fatal(err)
		}
		cancel()
		f.end()
		if len(f.errors) > 0 {
			t.Errorf("%q", f.errors)
		}
	})
}

// A cleanup of the test's own runs before the verdict.
func TestACleanupMayGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTB{TB: t}
		db, mock, _ := sqlmockpool.New(f)
		mock.ExpectBegin()
		mock.ExpectRollback()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		f.Cleanup(func() { _ = tx.Rollback() })
		f.end()
		if len(f.errors) > 0 {
			t.Errorf("%q", f.errors)
		}
	})
}

// Rows may outlive db.Close, as with plain database/sql.
func TestRowsMayBeReadAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTB{TB: t}
		db, mock, _ := sqlmockpool.New(f)
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma")).RowsWillBeClosed()
		mock.ExpectClose()
		rows, err := db.Query("SELECT title FROM books")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if !rows.Next() || rows.Next() || rows.Err() != nil {
			t.Error("not one row:", rows.Err())
		}
		f.end()
		if len(f.errors) > 0 {
			t.Errorf("%q", f.errors)
		}
	})
}
