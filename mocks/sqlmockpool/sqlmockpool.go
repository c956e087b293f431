package sqlmockpool

import (
	"database/sql"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/internal/mockpool"
	"github.com/sqlpool/go/sqlpool"
)

// New opens a mock database behind a pool with default settings. It takes the options
// of sqlmock.New and returns its results. An error means that the mock could not be
// opened.
//
// The test may close db, with mock.ExpectClose as for sqlmock.New. If it does not, the
// end of the test closes db, and the mock counts no Close.
//
// It is a variable because go-sqlmock does not export the type of its options:
// its type is func(T, ...option) (*sql.DB, sqlmock.Sqlmock, error).
var New = newFrom(sqlmock.New)

// NewWithDSN is New with a data source name, for a library that opens its
// database itself: sql.Open("sqlmockpool", dsn) is then this database too,
// where it was sql.Open("sqlmock", dsn). As with sqlmock.NewWithDSN, a name can
// be used once.
//
// Its type is func(T, string, ...option) (*sql.DB, sqlmock.Sqlmock, error),
// with the options of sqlmock.New.
var NewWithDSN = newWithDSNFrom(sqlmock.NewWithDSN)

// NewPool is New with the pool and its configuration, such as the one of
// production with its hooks. Config.Connector must be nil. CacheQueries
// is taken as false, because the mock counts every Prepare, and MinIdle as at least
// 1. A zero AcquireTimeout means 5 s here, and an empty Name the test's.
//
//	pool, db, mock, err := sqlmockpool.NewPool(t, sqlpool.Config{MaxConns: 2})
//
// Its type is func(T, sqlpool.Config, ...option) (*sqlpool.Pool, *sql.DB,
// sqlmock.Sqlmock, error), with the options of sqlmock.New.
var NewPool = newPoolFrom(sqlmock.New)

// Watch is for a database that the parent of a subtest opened. A leak of the subtest
// then fails t, at its end, and not the parent. In a suite that opens its database
// once, call it where each test is set up:
//
//	func (s *Suite) SetupTest() { sqlmockpool.Watch(s.T(), s.mock) }
//
// Without it such a leak fails the parent, at the parent's end, and one under the
// subtest's own Context goes unseen. If subtests run in parallel, each fails for the
// leaks under its own Context, and the parent for the rest. It is an error of t if the
// mock is not of this package, or if its test has ended.
func Watch(t T, mock sqlmock.Sqlmock) {
	t.Helper()
	if err := mockpool.Watch(t, mock); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

const name = "sqlmockpool"

func newFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(T, ...O) (*sql.DB, sqlmock.Sqlmock, error) {
	return func(t T, opts ...O) (*sql.DB, sqlmock.Sqlmock, error) {
		t.Helper()
		_, db, mock, err := newPoolFrom(open)(t, sqlpool.Config{}, opts...)
		return db, mock, err
	}
}

func newWithDSNFrom[O any](open func(string, ...O) (*sql.DB, sqlmock.Sqlmock, error)) func(T, string, ...O) (*sql.DB, sqlmock.Sqlmock, error) {
	return func(t T, dsn string, opts ...O) (*sql.DB, sqlmock.Sqlmock, error) {
		t.Helper()
		m, err := mockpool.Open(t, sqlpool.Config{}, mockpool.Options{Package: name, DSN: dsn}, func() (*sql.DB, sqlmock.Sqlmock, error) {
			return open(dsn, opts...)
		})
		return m.SQL, m.Mock, err
	}
}

func newPoolFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(T, sqlpool.Config, ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock, error) {
	return func(t T, cfg sqlpool.Config, opts ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock, error) {
		t.Helper()
		m, err := mockpool.Open(t, cfg, mockpool.Options{Package: name}, func() (*sql.DB, sqlmock.Sqlmock, error) {
			return open(opts...)
		})
		return m.Pool, m.SQL, m.Mock, err
	}
}
