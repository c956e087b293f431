package sqlpool

import "context"

// acquire begins a loan, waiting for a connection if need be. since is when the
// operation began to need one, if that was before.
func (s *session) acquire(ctx context.Context, since int64) error {
	c, err := s.pool.acquireAs(ctx, acquiring{since: since})
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
	dirty, reason := s.pool.part(c)
	s.pool.takeBack(c, dirty, reason)
	return reason == nil && !dirty
}
