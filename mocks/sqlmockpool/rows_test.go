package sqlmockpool_test

import (
	"database/sql"
	"reflect"

	"github.com/DATA-DOG/go-sqlmock"
)

func titles(names ...string) *sqlmock.Rows {
	rows := sqlmock.NewRows([]string{"title"})
	for _, n := range names {
		rows.AddRow(n)
	}
	return rows
}

// rowsScenes: the rows are the mock's own.
var rowsScenes = []scene{
	{"read to the end", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma", "Persuasion")).RowsWillBeClosed()
		read(s, db)
	}},
	{"left open", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma")).RowsWillBeClosed()
		rows, err := db.Query("SELECT title FROM books")
		s.note("query", rows, err)
		s.note("before their close", mock.ExpectationsWereMet())
		s.note("close", rows.Close())
	}},
	{"a row with an error", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma", "Persuasion").RowError(1, errMocked))
		read(s, db)
	}},
	{"close fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles().CloseError(errMocked))
		rows, err := db.Query("SELECT title FROM books")
		s.note("query", rows, err)
		s.note("close", rows.Close())
	}},
	{"no rows were set", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT")
		_, err := db.Query("SELECT title FROM books")
		s.note("query", err == nil)
	}},
	{"several sets", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma"), sqlmock.NewRows([]string{"n"}).FromCSVString("4\n5"))
		rows, err := db.Query("SELECT title FROM books; SELECT n FROM numbers")
		s.note("query", rows, err)
		for again := true; again; again = rows.NextResultSet() {
			for rows.Next() {
				var v any
				s.note("row", rows.Scan(&v), v)
			}
		}
		s.note("end", rows.Err(), rows.Close())
	}},
	{"columns with types", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		n := mock.NewColumn("n").OfType("INT8", int64(0)).Nullable(true)
		mock.ExpectQuery("SELECT").WillReturnRows(mock.NewRowsWithColumnDefinition(n).AddRow(int64(4)))
		rows, err := db.Query("SELECT n FROM numbers")
		s.note("query", rows, err)
		types, err := rows.ColumnTypes()
		s.note("types", err)
		nullable, ok := types[0].Nullable()
		s.note("type", types[0].DatabaseTypeName(), types[0].ScanType() == reflect.TypeFor[int64](), nullable, ok)
		s.note("close", rows.Close())
	}},
	{"a null", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"title"}).AddRow(nil))
		var title sql.NullString
		s.note("row", db.QueryRow("SELECT title FROM books").Scan(&title), title.Valid)
	}},
	{"none", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillReturnRows(titles())
		var title string
		s.note("row", db.QueryRow("SELECT title FROM books").Scan(&title))
	}},
}

func read(s *script, db *sql.DB) {
	rows, err := db.Query("SELECT title FROM books")
	s.note("query", rows, err)
	for rows.Next() {
		var title string
		s.note("row", rows.Scan(&title), title)
	}
	s.note("end", rows.Err(), rows.Close())
}

// unexpected calls are refused in go-sqlmock's own words.
var unexpected = []scene{
	{"nothing was expected", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		_, err = db.Query("SELECT $1", 2)
		s.note("query", err)
		_, err = db.Prepare("SELECT 3")
		s.note("prepare", err)
		_, err = db.Begin()
		s.note("begin", err)
	}},
	{"something else was expected", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectCommit()
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		_, err = db.Query("SELECT $1", 2)
		s.note("query", err)
		_, err = db.Prepare("SELECT 3")
		s.note("prepare", err)
		_, err = db.Begin()
		s.note("begin", err)
	}},
	{"the transaction's end was not", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		tx, err := db.Begin()
		s.note("begin", err)
		s.note("commit", tx.Commit())
		mock.ExpectBegin()
		tx, err = db.Begin()
		s.note("begin", err)
		s.note("rollback", tx.Rollback())
	}},
}
