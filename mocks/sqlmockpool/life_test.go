package sqlmockpool_test

import (
	"context"
	"database/sql"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
)

// closes of the database are one expectation.
var closes = []scene{
	{"expected", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectClose()
		s.note("before", mock.ExpectationsWereMet())
		s.note("close", db.Close())
		s.note("again", db.Close())
	}},
	{"after use", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("SELECT").WillReturnResult(done)
		mock.ExpectClose()
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		s.note("close", db.Close())
	}},
	{"close fails", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectClose().WillReturnError(errMocked)
		s.note("close", db.Close())
	}},
	{"too early", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin()
		mock.ExpectClose()
		s.note("close", db.Close())
	}},
	{"not expected", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		s.note("close", db.Close())
	}},
	{"never closed", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectClose()
	}},
	{"use after it", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectClose()
		s.note("close", db.Close())
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
	}},
}

var monitored = []any{sqlmock.MonitorPingsOption(true)}

var pings = []scene{
	{"not monitored", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		s.note("ping", db.Ping())
	}},
	{"monitored", monitored, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPing()
		mock.ExpectPing().WillReturnError(errMocked)
		s.note("ping", db.Ping())
		s.note("ping", db.Ping())
		s.note("one too many", db.Ping())
	}},
	{"missing", monitored, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPing()
	}},
	{"out of order", monitored, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("SELECT").WillReturnResult(done)
		mock.ExpectPing()
		s.note("ping", db.Ping())
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		s.note("ping", db.Ping())
	}},
	{"too slow", monitored, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPing().WillDelayFor(time.Hour)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		s.note("ping", db.PingContext(ctx))
	}},
	{"no ping but the test's", monitored, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("SELECT").WillReturnResult(done)
		mock.ExpectPing()
		_, err := db.Exec("SELECT 1")
		s.note("exec", err)
		s.note("ping", db.Ping())
	}},
}

// contexts end while the mock delays its answer: go-sqlmock says so in its own
// words.
var contexts = []scene{
	{"during an exec", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillDelayFor(time.Hour).WillReturnResult(done)
		ctx, cancel := ending()
		defer cancel()
		_, err := db.ExecContext(ctx, "DELETE FROM books")
		s.note("exec", err, err == sqlmock.ErrCancelled)
		_, err = db.ExecContext(ctx, "DELETE FROM books")
		s.note("again", err)
	}},
	{"during a query", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectQuery("SELECT").WillDelayFor(time.Hour).WillReturnRows(sqlmock.NewRows(nil))
		ctx, cancel := ending()
		defer cancel()
		rows, err := db.QueryContext(ctx, "SELECT 1")
		s.note("query", rows, err, err == sqlmock.ErrCancelled)
	}},
	{"during a begin", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectBegin().WillDelayFor(time.Hour)
		mock.ExpectExec("SELECT").WillReturnResult(done)
		ctx, cancel := ending()
		defer cancel()
		_, err := db.BeginTx(ctx, nil)
		s.note("begin", err, err == sqlmock.ErrCancelled)
		_, err = db.Exec("SELECT 1")
		s.note("after it", err)
	}},
	{"during a prepare", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectPrepare("SELECT").WillDelayFor(time.Hour)
		ctx, cancel := ending()
		defer cancel()
		_, err := db.PrepareContext(ctx, "SELECT 1")
		s.note("prepare", err, err == sqlmock.ErrCancelled)
	}},
	{"in time", nil, func(s *script, db *sql.DB, mock sqlmock.Sqlmock) {
		mock.ExpectExec("DELETE").WillDelayFor(time.Millisecond).WillReturnResult(done)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := db.ExecContext(ctx, "DELETE FROM books")
		s.note("exec", err)
	}},
}

func ending() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 5*time.Millisecond)
}
