package faultpool

import (
	"context"
	"database/sql"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/internal/mockpool"
	"github.com/sqlpool/go/sqlpool"
)

// New opens a mock database that has no fault yet. It takes the options of
// sqlmock.New.
//
// It is a variable because go-sqlmock does not export the type of its options:
// its type is func(testing.TB, ...option) (*sql.DB, sqlmock.Sqlmock, *Faults).
var New = newFrom(sqlmock.New)

// ErrConnReset is what a driver returns when the server's side of a connection is
// gone in the middle of a statement. Given to WillReturnError, it loses the
// connection: the code under test gets a *sqlpool.ConnLostError.
var ErrConnReset error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// errRefused is why a database is unavailable by default.
var errRefused error = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

// Faults breaks and mends the pool of one mock database. Each fault replaces
// the one before. Its methods may be called from any goroutine.
type Faults struct {
	t testing.TB

	mu      sync.Mutex
	present *fault // nil while all is well
}

// TimeOut has every connection in use, by somebody who does not give it back:
// acquires fail with sqlpool.ErrAcquireTimeout. They wait 10 ms for that.
func (f *Faults) TimeOut() { f.change(starve(f.t)) }

// Saturate has every connection in use and the queue full: acquires fail at
// once with sqlpool.ErrSaturated.
func (f *Faults) Saturate() { f.change(crowd(f.t)) }

// TakeDown makes the database unreachable: acquires fail with
// sqlpool.ErrUnavailable, which wraps the cause. A nil cause means that the
// connection was refused; a driver's own error can be given, for example with
// SQLSTATE 57P03 for a server that is starting up.
func (f *Faults) TakeDown(cause error) {
	if cause == nil {
		cause = errRefused
	}
	f.change(darken(f.t, cause))
}

// Restore mends the pool. Without a fault it does nothing.
func (f *Faults) Restore() { f.change(nil) }

func (f *Faults) change(to *fault) {
	f.mu.Lock()
	from := f.present
	f.present = to
	f.mu.Unlock()
	if from != nil {
		from.end()
	}
}

// gate is asked before each acquire: with a fault it is the faulty pool's
// answer.
func (f *Faults) gate(ctx context.Context) error {
	f.mu.Lock()
	present := f.present
	f.mu.Unlock()
	if present == nil {
		return nil
	}
	loan, err := present.pool.Acquire(ctx)
	if err == nil {
		_ = loan.Release() // the fault has just ended
	}
	return err
}

func newFrom[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func(testing.TB, ...O) (*sql.DB, sqlmock.Sqlmock, *Faults) {
	return func(t testing.TB, opts ...O) (*sql.DB, sqlmock.Sqlmock, *Faults) {
		t.Helper()
		f := &Faults{t: t}
		t.Cleanup(f.Restore)
		options := mockpool.Options{Package: "faultpool", Gate: f.gate}
		_, db, mock := mockpool.Open(t, sqlpool.Config{}, options, func() (*sql.DB, sqlmock.Sqlmock, error) {
			return open(opts...)
		})
		return db, mock, f
	}
}
