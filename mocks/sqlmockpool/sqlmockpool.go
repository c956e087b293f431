package sqlmockpool

import (
	"database/sql"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/internal/mockpool"
	"github.com/sqlpool/go/sqlpool"
)

// New opens a mock database behind a pool with default settings. It takes the
// options of sqlmock.New. A mock that cannot be opened is fatal to the test.
//
// The test may close db, with mock.ExpectClose as for sqlmock.New, or leave
// that to its end: then it is no Close to the mock.
//
// It is a variable because go-sqlmock does not export the type of its options:
// its type is func(testing.TB, ...option) (*sql.DB, sqlmock.Sqlmock).
var New = newFrom(sqlmock.New)

// NewPool is New with the pool and its configuration, such as the one of
// production with its hooks. Config.Connector must be nil. StatementCacheSize
// is taken as -1, because the mock counts every Prepare, and MinIdle as at least
// 1. A zero AcquireTimeout means 5 s here, and an empty Name the test's.
//
//	pool, db, mock := sqlmockpool.NewPool(t, sqlpool.Config{MaxConns: 2})
//
// Its type is func(testing.TB, sqlpool.Config, ...option) (*sqlpool.Pool,
// *sql.DB, sqlmock.Sqlmock), with the options of sqlmock.New.
var NewPool = newPoolFrom(sqlmock.New)

const name = "sqlmockpool"

func newFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(testing.TB, ...O) (*sql.DB, sqlmock.Sqlmock) {
	return func(t testing.TB, opts ...O) (*sql.DB, sqlmock.Sqlmock) {
		t.Helper()
		_, db, mock := newPoolFrom(open)(t, sqlpool.Config{}, opts...)
		return db, mock
	}
}

func newPoolFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(testing.TB, sqlpool.Config, ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock) {
	return func(t testing.TB, cfg sqlpool.Config, opts ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock) {
		t.Helper()
		return mockpool.Open(t, cfg, mockpool.Options{Package: name}, func() (*sql.DB, sqlmock.Sqlmock, error) {
			return open(opts...)
		})
	}
}
