package faultpool

import (
	"context"
	"sync"
	"time"

	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// Faults breaks and mends the pool of one mock database. Each fault replaces the one
// before and lasts until Restore or the end of the test, except with Next and After.
// Its methods may be called from any goroutine.
type Faults struct {
	*state
	limits
}

// limits are when a fault is there.
type limits struct {
	after    time.Duration
	acquires int // 0: any number
}

// Next returns Faults whose fault ends by itself once it has refused n acquires,
// for code that tries again:
//
//	faults.Next(2).Saturate() // the third try succeeds
//
// Each operation of a *sql.DB begins with an acquire. n must be positive.
func (f *Faults) Next(n int) *Faults {
	if n < 1 {
		panic("faultpool: Next wants at least one acquire")
	}
	limited := *f
	limited.acquires = n
	return &limited
}

// After returns Faults whose fault begins when d has passed. In a testing/synctest
// bubble that takes no real time.
func (f *Faults) After(d time.Duration) *Faults {
	limited := *f
	limited.after = d
	return &limited
}

// TimeOut puts every connection in use by a caller that does not give it back: acquires
// fail with sqlpool.ErrAcquireTimeout. They first wait 10 ms, or the AcquireTimeout of
// NewPool's Config.
func (f *Faults) TimeOut() { f.set(&fault{stand: starve(f.t, f.cfg)}) }

// Saturate puts every connection in use and fills the queue: acquires fail at once with
// sqlpool.ErrSaturated.
func (f *Faults) Saturate() { f.set(&fault{stand: crowd(f.t, f.cfg)}) }

// TakeDown makes the database unreachable: acquires fail with
// sqlpool.ErrUnavailable, which wraps the cause. A nil cause means that the
// connection was refused; a driver's own error can be given, for example with
// SQLSTATE 57P03 for a server that is starting up.
func (f *Faults) TakeDown(cause error) {
	if cause == nil {
		cause = errRefused
	}
	f.set(&fault{stand: darken(f.t, f.cfg, cause)})
}

// Disconnect breaks the connections that are in use: a transaction's, that of rows that
// are being read, that of a *sql.Conn. The next statement or Commit on one fails with a
// *sqlpool.ConnLostError of which nothing was sent, and reaches no expectation; rows
// end with the network's error. Other connections serve what follows. With After this
// is a fault in the middle of the work; Next does not apply.
func (f *Faults) Disconnect() { f.set(&fault{breaks: true}) }

// RefuseWrites makes the server a standby: statements that write fail, and reach no
// expectation; others are served. The code under test gets the cause; a nil one means
// an error with SQLSTATE 25006 (its method SQLState tells) and the server's text. For
// code that looks for its driver's type, give a *pgconn.PgError or a *pq.Error. Next
// counts refused statements.
//
// A write is a statement that PostgreSQL refuses there by its text: everything but
// SELECT, VALUES, TABLE, SHOW, EXPLAIN, SET and the like, and also a SELECT that locks
// rows or a WITH that writes. The effects of functions are not seen.
func (f *Faults) RefuseWrites(cause error) { f.set(&fault{readOnly: true, cause: cause}) }

// Restore ends the fault. Without a fault it does nothing.
func (f *Faults) Restore() { f.set(nil) }

// set replaces the fault.
func (f *Faults) set(to *fault) {
	if to != nil {
		to.begins, to.acquires = time.Now().Add(f.after), f.limits.acquires
	}
	f.mu.Lock()
	from := f.present
	f.present = to
	f.mu.Unlock()
	from.end()
	f.now() // what breaks, breaks at once
}

// state is one database's.
type state struct {
	t        sqlmockpool.T
	cfg      sqlpool.Config
	breakAll func(cause error)

	mu      sync.Mutex
	present *fault // nil while all is well
}

// now returns the fault that is there now, or nil.
func (s *state) now() *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

func (s *state) nowLocked() *fault {
	f := s.present
	if f == nil || time.Now().Before(f.begins) {
		return nil
	}
	if f.breaks {
		s.present = nil // it is over with the moment
		s.breakAll(errBroken)
		return nil
	}
	return f
}

// claim takes one refusal of f. It reports false if there is none left, or if f
// has been replaced.
func (s *state) claim(f *fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nowLocked() != f {
		return false
	}
	f.claimed++
	if f.acquires > 0 {
		if f.acquires--; f.acquires == 0 {
			f.spent, s.present = true, nil
		}
	}
	return true
}

// done ends a claim, and the fault with the last.
func (s *state) done(f *fault) {
	s.mu.Lock()
	f.claimed--
	over := f.spent && f.claimed == 0
	s.mu.Unlock()
	if over {
		f.end()
	}
}

// gate is asked before each acquire: with a fault it is the faulty pool's
// answer.
func (s *state) gate(ctx context.Context) error {
	f := s.now()
	if f == nil || f.stand == nil || !s.claim(f) {
		return nil
	}
	defer s.done(f)
	loan, err := f.stand.pool.Acquire(ctx)
	if err == nil {
		_ = loan.Release() // the fault has just ended
	}
	return err
}

// call is asked before each call on a connection; it has a text if it is a
// statement.
func (s *state) call(query string) error {
	f := s.now()
	if f == nil || !f.readOnly {
		return nil
	}
	err := refusal(query)
	if err == nil || !s.claim(f) {
		return nil
	}
	defer s.done(f)
	if f.cause != nil {
		return f.cause
	}
	return err
}
