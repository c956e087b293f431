package faultpool

import (
	"database/sql"
	"net"
	"os"
	"syscall"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/internal/mockpool"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// New opens a mock database that has no fault yet. It takes the options of
// sqlmock.New. Where there is no test, t is a *sqlmockpool.Verdict.
//
// It is a variable because go-sqlmock does not export the type of its options:
// its type is func(sqlmockpool.T, ...option) (*sql.DB, sqlmock.Sqlmock, *Faults,
// error).
var New = newFrom(sqlmock.New)

// NewPool is New with the pool and its configuration, hooks included, as for
// sqlmockpool.NewPool. The faults are then those of a pool with these settings:
// its name, its MaxConns and its AcquireTimeout, if they are set.
//
// Its type is func(sqlmockpool.T, sqlpool.Config, ...option) (*sqlpool.Pool,
// *sql.DB, sqlmock.Sqlmock, *Faults, error).
var NewPool = newPoolFrom(sqlmock.New)

// ErrConnReset is what a driver returns when the server's side of a connection is
// gone in the middle of a statement. Given to WillReturnError, it loses the
// connection: the code under test gets a *sqlpool.ConnLostError whose Sent is
// true. Given to RowError, it breaks the rows there: Rows.Err is then this error
// itself, with both drivers in production too, and not a ConnLostError.
var ErrConnReset error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// errBroken is what a write to a connection meets whose other side has gone.
var errBroken error = &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ECONNRESET)}

// errRefused is why a database is unavailable by default.
var errRefused error = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func newFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(sqlmockpool.T, ...O) (*sql.DB, sqlmock.Sqlmock, *Faults, error) {
	return func(t sqlmockpool.T, opts ...O) (*sql.DB, sqlmock.Sqlmock, *Faults, error) {
		t.Helper()
		_, db, mock, faults, err := newPoolFrom(open)(t, sqlpool.Config{}, opts...)
		return db, mock, faults, err
	}
}

func newPoolFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(sqlmockpool.T, sqlpool.Config, ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock, *Faults, error) {
	return func(t sqlmockpool.T, cfg sqlpool.Config, opts ...O) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock, *Faults, error) {
		t.Helper()
		s := &state{t: t, cfg: cfg}
		f := &Faults{state: s}
		t.Cleanup(f.Restore)
		options := mockpool.Options{Package: "faultpool", Gate: s.gate, Call: s.call}
		m, err := mockpool.Open(t, cfg, options, func() (*sql.DB, sqlmock.Sqlmock, error) {
			return open(opts...)
		})
		s.breakAll = m.Break
		return m.Pool, m.SQL, m.Mock, f, err
	}
}
