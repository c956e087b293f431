package sqlmockpool_test

import (
	"database/sql"

	"github.com/DATA-DOG/go-sqlmock"
)

// lend is a small piece of code under test: all or nothing.
func lend(db *sql.DB, book, reader int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE books SET lent = true WHERE id = $1", book); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO loans (book, reader) VALUES ($1, $2)", book, reader); err != nil {
		return err
	}
	return tx.Commit()
}

var transactions = []scene{
	{"success", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE books").WithArgs(2).WillReturnResult(done)
		mock.ExpectExec("INSERT INTO loans").WithArgs(2, 3).WillReturnResult(done)
		mock.ExpectCommit()
		s.note("lend", lend(db, 2, 3))
	}},
	{"rollback", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE books").WithArgs(2).WillReturnResult(done)
		mock.ExpectExec("INSERT INTO loans").WithArgs(2, 3).WillReturnError(errMocked)
		mock.ExpectRollback()
		s.note("lend", lend(db, 2, 3))
	}},
	{"begin fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin().WillReturnError(errMocked)
		s.note("lend", lend(db, 2, 3))
	}},
	{"commit fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE").WillReturnResult(done)
		mock.ExpectExec("INSERT").WillReturnResult(done)
		mock.ExpectCommit().WillReturnError(errMocked)
		mock.ExpectBegin()
		s.note("lend", lend(db, 2, 3))
		tx, err := db.Begin()
		s.note("the next one", tx != nil, err)
		mock.ExpectRollback()
		s.note("rollback", tx.Rollback())
	}},
	{"rollback fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectRollback().WillReturnError(errMocked)
		mock.ExpectExec("SELECT").WillReturnResult(done)
		tx, err := db.Begin()
		s.note("begin", err)
		s.note("rollback", tx.Rollback())
		_, err = db.Exec("SELECT 1")
		s.note("after it", err)
	}},
	{"an update is missing", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectExec("INSERT INTO loans").WillReturnResult(done)
		mock.ExpectCommit()
		s.note("lend", lend(db, 2, 3))
	}},
	{"a query beside a transaction", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"n"}).AddRow(1))
		mock.ExpectExec("UPDATE").WillReturnResult(done)
		mock.ExpectCommit()
		tx, err := db.Begin()
		s.note("begin", err)
		var n int
		s.note("select", db.QueryRow("SELECT n").Scan(&n), n)
		_, err = tx.Exec("UPDATE t")
		s.note("update", err)
		s.note("commit", tx.Commit())
	}},
}
