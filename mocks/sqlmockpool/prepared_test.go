package sqlmockpool_test

import (
	"database/sql"

	"github.com/DATA-DOG/go-sqlmock"
)

// prepared statements: when they are prepared and closed counts.
var prepared = []scene{
	{"executed twice", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		p := mock.ExpectPrepare("UPDATE").WillBeClosed()
		p.ExpectExec().WithArgs(1).WillReturnResult(done)
		p.ExpectExec().WithArgs(2).WillReturnResult(done)
		stmt, err := db.Prepare("UPDATE books SET lent = true WHERE id = $1")
		s.note("prepare", err)
		for i := range 2 {
			_, err = stmt.Exec(i + 1)
			s.note("exec", err)
		}
		s.note("before its close", mock.ExpectationsWereMet())
		s.note("close", stmt.Close())
	}},
	{"not closed", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT").WillBeClosed()
		_, err := db.Prepare("SELECT 1")
		s.note("prepare", err)
	}},
	{"closed by the database's close", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT").WillBeClosed()
		mock.ExpectClose()
		_, err := db.Prepare("SELECT 1")
		s.note("prepare", err)
		s.note("close", db.Close())
	}},
	{"query", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		p := mock.ExpectPrepare("SELECT title")
		p.ExpectQuery().WithArgs(5).WillReturnRows(sqlmock.NewRows([]string{"title"}).AddRow("Emma"))
		p.ExpectQuery().WithArgs(6).WillReturnError(errMocked)
		stmt, err := db.Prepare("SELECT title FROM books WHERE id = $1")
		s.note("prepare", err)
		var title string
		s.note("row", stmt.QueryRow(5).Scan(&title), title)
		s.note("row", stmt.QueryRow(6).Scan(&title))
		s.note("close", stmt.Close())
	}},
	{"the same text twice", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT 1").WillBeClosed()
		mock.ExpectPrepare("SELECT 1").WillBeClosed()
		for range 2 {
			stmt, err := db.Prepare("SELECT 1")
			s.note("prepare", err)
			s.note("close", stmt.Close())
		}
	}},
	{"prepare fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT 1").WillReturnError(errMocked)
		_, err := db.Prepare("SELECT 2")
		s.note("another text", err)
		_, err = db.Prepare("SELECT 1")
		s.note("prepare", err)
	}},
	{"close fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT 1").WillReturnCloseError(errMocked)
		mock.ExpectBegin()
		mock.ExpectPrepare("SELECT 2").WillReturnCloseError(errMocked)
		mock.ExpectCommit()
		stmt, err := db.Prepare("SELECT 1")
		s.note("prepare", err)
		s.note("close", stmt.Close())
		tx, err := db.Begin()
		s.note("begin", err)
		stmt, err = tx.Prepare("SELECT 2")
		s.note("prepare", err)
		s.note("close in a transaction", stmt.Close())
		s.note("commit", tx.Commit())
	}},
	{"in a transaction", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectPrepare("INSERT").WillBeClosed().ExpectExec().WithArgs(1).WillReturnResult(done)
		mock.ExpectCommit()
		tx, err := db.Begin()
		s.note("begin", err)
		stmt, err := tx.Prepare("INSERT INTO loans VALUES ($1)")
		s.note("prepare", err)
		_, err = stmt.Exec(1)
		s.note("exec", err)
		s.note("commit", tx.Commit())
		s.note("expectations", mock.ExpectationsWereMet())
	}},
	{"taken into a transaction", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("INSERT").WillBeClosed()
		mock.ExpectBegin()
		mock.ExpectExec("INSERT").WillReturnResult(done)
		mock.ExpectCommit()
		stmt, err := db.Prepare("INSERT INTO loans VALUES (1)")
		s.note("prepare", err)
		tx, err := db.Begin()
		s.note("begin", err)
		_, err = tx.Stmt(stmt).Exec()
		s.note("exec", err)
		s.note("close inside", stmt.Close())
		s.note("commit", tx.Commit())
	}},
	{"on a second connection", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		// While the transaction has the connection it was prepared on,
		// database/sql prepares it again on another, and keeps both.
		mock.ExpectPrepare("SELECT")
		mock.ExpectBegin()
		mock.ExpectPrepare("SELECT")
		mock.ExpectExec("SELECT").WillReturnResult(done)
		mock.ExpectCommit()
		for range 4 {
			mock.ExpectExec("SELECT").WillReturnResult(done)
		}
		stmt, err := db.Prepare("SELECT 1")
		s.note("prepare", err)
		tx, err := db.Begin()
		s.note("begin", err)
		_, err = stmt.Exec()
		s.note("exec beside", err)
		s.note("commit", tx.Commit())
		for range 4 {
			_, err = stmt.Exec()
			s.note("exec after", err)
		}
		s.note("close", stmt.Close())
	}},
	{"in any order", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.MatchExpectationsInOrder(false)
		mock.ExpectPrepare("one").ExpectExec().WillReturnResult(done)
		mock.ExpectPrepare("two").ExpectExec().WillReturnResult(done)
		for _, text := range []string{"two", "one"} {
			stmt, err := db.Prepare(text)
			s.note("prepare", err)
			_, err = stmt.Exec()
			s.note("exec", err)
		}
	}},
}
