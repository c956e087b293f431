package sqlpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// ResetSession is called when database/sql hands out a session that was used
// before. It begins a loan. Its error is kept for the next method, because
// database/sql drops every error here but driver.ErrBadConn.
//
// Database/sql holds the driverConn's lock meanwhile, and the Close of any
// statement used on it waits for that lock: a holder of the last connection that
// closes such a statement would wait for itself. So a session with live
// statements waits only as long as the queue moves. Then driver.ErrBadConn
// leaves, and database/sql discards the session, tries again and ends up in
// Connect, which may wait. It never leaves in database/sql's last try, which
// would pass it on to the user.
func (s *session) ResetSession(ctx context.Context) error {
	s.clear()
	s.endLoan() // IsValid may have been skipped
	if s.endsUnseen() {
		s.from.isValid.skipped.Store(true) // it has
	}
	return s.borrow(ctx)
}

// borrow begins a loan, or returns driver.ErrBadConn. Any other error is kept for
// the next method.
func (s *session) borrow(ctx context.Context) error {
	as := acquiring{impatient: s.live > 0}
	// Whether it will be used is as uncertain as after Connect. But one with live
	// statements must not have to wait for another under the driverConn's lock.
	if s.live == 0 && s.endsUnseen() {
		s.used, as.reserve = false, &s.reserved
	}
	c, err := s.pool.acquireAs(ctx, as)
	if err == errImpatient {
		if !sqlstack.OnLastTry() {
			return driver.ErrBadConn
		}
		c, err = s.pool.acquire(ctx)
	}
	if err == nil && as.reserve == nil {
		err = s.take(c)
	}
	s.sticky = err
	return nil
}

// IsValid is called when database/sql gets a session back. It ends the loan
// without I/O. A session with live statements is given up with a connection that
// is not fit for another loan: a statement may have ended with it.
func (s *session) IsValid() bool {
	if s.endsUnseen() {
		s.from.isValid.seen.Store(true)
	}
	s.clear()
	s.live -= s.closed
	s.closed = 0
	fit := s.endLoan()
	if s.pool.isClosed() {
		return false
	}
	return fit || s.live == 0
}

// clear forgets the errors of the last loan.
func (s *session) clear() {
	if s.sticky != nil || s.lost != nil { // a nil is not written for nothing: the garbage collector would have to be told
		s.sticky, s.lost = nil, nil
	}
	if s.last != nil {
		s.last = nil
	}
}

// acquire begins a loan, waiting for a connection if need be. since is when the
// operation began to need one, if that was before.
func (s *session) acquire(ctx context.Context, since int64) error {
	c, err := s.pool.acquireAs(ctx, acquiring{start: since})
	if err != nil {
		return err
	}
	return s.take(c)
}

// take begins the loan of a connection that was just acquired or claimed, if it is not
// nil.
func (s *session) take(c *Conn) error {
	if c == nil {
		return nil
	}
	s.used = false
	if err := s.pool.announce(c); err != nil { // a hook may also end the goroutine: the loan is not the session's yet
		return err
	}
	s.conn = c
	return nil
}

// endLoan gives the connection back, if there is one, and reports whether it
// was fit to be lent again.
func (s *session) endLoan() (fit bool) {
	if s.reserved.held.Load() {
		s.pool.unreserve(&s.reserved)
		return true
	}
	if s.tx != nil {
		s.tx = nil
	}
	c := s.conn
	if c == nil {
		return true // no statement has ended with it
	}
	s.conn, s.raw, s.pinned = nil, false, false // before the hooks, which may end the goroutine
	return s.pool.release(c)
}
