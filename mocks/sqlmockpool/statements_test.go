package sqlmockpool_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
)

var done = sqlmock.NewResult(3, 1)

// statements are execs and queries, and how they are matched.
var statements = []scene{
	{"exec by regexp", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("INSERT INTO (books|films)").WithArgs("Emma", 1815).WillReturnResult(done)
		res, err := db.Exec("INSERT INTO books (title, year) VALUES ($1, $2)", "Emma", 1815)
		s.note("exec", res, err)
	}},
	{"exec by the wrong text", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillReturnResult(done)
		res, err := db.Exec("UPDATE books SET lent = true")
		s.note("exec", res, err)
	}},
	{"exec with the wrong arguments", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("UPDATE").WithArgs(1, "x").WillReturnResult(done)
		res, err := db.Exec("UPDATE books SET title = $2 WHERE id = $1", 1, "y")
		s.note("exec", res, err)
		res, err = db.Exec("UPDATE books SET title = $2 WHERE id = $1", 1)
		s.note("exec", res, err)
	}},
	{"the equal matcher", []any{sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual)}, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE FROM books WHERE id = $1").WithArgs(1).WillReturnResult(done)
		_, err := db.Exec("delete from books where id = $1", 1)
		s.note("another case", err)
		_, err = db.Exec("DELETE FROM   books\n WHERE id = $1", 1)
		s.note("other blanks", err)
	}},
	{"a matcher of one's own", []any{sqlmock.QueryMatcherOption(sqlmock.QueryMatcherFunc(prefixMatcher))}, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillReturnResult(done)
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		_, err = db.Exec("DELETE FROM books")
		s.note("exec", err)
	}},
	{"any argument", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("INSERT").WithArgs(sqlmock.AnyArg(), moment{}).WillReturnResult(done)
		_, err := db.Exec("INSERT INTO loans VALUES ($1, $2)", 17, "not a time")
		s.note("exec", err)
		_, err = db.Exec("INSERT INTO loans VALUES ($1, $2)", 17, time.Unix(0, 0))
		s.note("exec", err)
	}},
	{"named arguments", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("UPDATE").WithArgs(sql.Named("id", 5)).WillReturnResult(done)
		_, err := db.Exec("UPDATE books SET lent = true WHERE id = :id", sql.Named("key", 5))
		s.note("another name", err)
		_, err = db.Exec("UPDATE books SET lent = true WHERE id = :id", sql.Named("id", 5))
		s.note("exec", err)
	}},
	{"no arguments", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WithoutArgs().WillReturnResult(done)
		_, err := db.Exec("DELETE FROM books WHERE id = $1", 4)
		s.note("exec", err)
		_, err = db.Exec("DELETE FROM books")
		s.note("exec", err)
	}},
	{"a value converter", []any{sqlmock.ValueConverterOption(listConverter{})}, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WithArgs([]string{"a", "b"}).WillReturnResult(done)
		_, err := db.Exec("DELETE FROM books WHERE title = ANY($1)", []string{"a", "b"})
		s.note("exec", err)
		mock.ExpectPrepare("DELETE").ExpectExec().WithArgs([]string{"c"}).WillReturnResult(done)
		stmt, err := db.Prepare("DELETE FROM books WHERE title = ANY($1)")
		s.note("prepare", err)
		_, err = stmt.Exec([]string{"c"})
		s.note("exec", err)
	}},
	{"an argument no driver takes", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		_, err := db.Exec("DELETE FROM books WHERE title = ANY($1)", []string{"a", "b"})
		s.note("exec", err)
	}},
	{"a mocked error", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillReturnError(errMocked)
		mock.ExpectQuery("SELECT").WillReturnError(errMocked)
		_, err := db.Exec("DELETE FROM books")
		s.note("exec", err)
		rows, err := db.Query("SELECT 1")
		s.note("query", rows, err)
	}},
	{"a result with an error", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillReturnResult(sqlmock.NewErrorResult(errMocked))
		res, err := db.Exec("DELETE FROM books")
		s.note("exec", res, err)
	}},
	{"no result was set", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE")
		_, err := db.Exec("DELETE FROM books")
		s.note("exec", err == nil)
	}},
	{"in order", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("one").WillReturnResult(done)
		mock.ExpectExec("two").WillReturnResult(done)
		_, err := db.Exec("two")
		s.note("two first", err)
		_, err = db.Exec("one")
		s.note("one", err)
		s.note("so far", mock.ExpectationsWereMet())
		_, err = db.Exec("two")
		s.note("two", err)
	}},
	{"in any order, from goroutines", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.MatchExpectationsInOrder(false)
		names := []string{"one", "two", "three", "four", "five", "six"}
		for i, n := range names {
			mock.ExpectExec("^" + n + "$").WithArgs(i).WillReturnResult(sqlmock.NewResult(int64(i), 1))
		}
		var group sync.WaitGroup
		errs := make([]error, len(names))
		for i, n := range names {
			group.Go(func() { _, errs[len(names)-1-i] = db.Exec(n, i) })
		}
		group.Wait()
		s.note("execs", errs)
	}},
	{"in any order, with transactions", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.MatchExpectationsInOrder(false)
		mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"n"}).AddRow(7))
		mock.ExpectCommit()
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE").WithArgs(7).WillReturnResult(done)
		tx, err := db.Begin()
		s.note("begin", err)
		var n int
		s.note("select", tx.QueryRow("SELECT n").Scan(&n), n)
		_, err = tx.Exec("UPDATE t SET n = $1", n)
		s.note("update", err)
		s.note("commit", tx.Commit())
	}},
}

func prefixMatcher(expected, actual string) error {
	if !strings.HasPrefix(actual, expected) {
		return fmt.Errorf("%q does not begin with %q", actual, expected)
	}
	return nil
}

// moment matches any time.
type moment struct{}

// Match implements sqlmock.Argument.
func (moment) Match(v driver.Value) bool {
	_, ok := v.(time.Time)
	return ok
}

// listConverter makes a text of a list, as a driver with arrays would.
type listConverter struct{}

// ConvertValue implements driver.ValueConverter.
func (listConverter) ConvertValue(v any) (driver.Value, error) {
	if list, ok := v.([]string); ok {
		return "{" + strings.Join(list, ",") + "}", nil
	}
	return driver.DefaultParameterConverter.ConvertValue(v)
}
