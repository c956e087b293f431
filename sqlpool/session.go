package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"
)

// session is what package sql takes for a connection: at most one loan of a
// physical connection. Package sql may cache sessions, drop them and hand them
// from caller to caller under any settings of its own; the loan follows the
// callers' use and not the session's life.
//
// Package sql calls a session's methods one at a time, under the lock of its
// driverConn. Only the pool comes in between, to revoke a parked loan.
type session struct {
	pool *Pool
	conn *Conn // the loan; nil without one

	// A parked loan has not been used yet and may be revoked (see park.go).
	// While parked is true, the other three fields here, and conn, are
	// protected by Pool.mu.
	parked                 atomic.Bool
	parkedAt               int64
	nextParked, prevParked *session

	used   bool  // an operation has run on the present loan
	tx     *tx   // the open transaction begun through BeginTx
	live   int   // statements that package sql may want to close
	sticky error // ResetSession's failure, which package sql would drop: the next method returns it
	lost   error // the connection broke in mid-loan: everything fails until the session is handed back

	// handedBackAt is Pool.now when IsValid ended the last loan.
	handedBackAt int64
}

var (
	_ driver.Conn               = (*session)(nil)
	_ driver.ConnBeginTx        = (*session)(nil)
	_ driver.ConnPrepareContext = (*session)(nil)
	_ driver.ExecerContext      = (*session)(nil)
	_ driver.QueryerContext     = (*session)(nil)
	_ driver.Pinger             = (*session)(nil)
	_ driver.NamedValueChecker  = (*session)(nil)
	_ driver.SessionResetter    = (*session)(nil)
	_ driver.Validator          = (*session)(nil)
)

// openSession is Connect: the one place where waiting for a connection is free
// of package sql's locks. The loan is parked until its first use.
func (p *Pool) openSession(ctx context.Context) (driver.Conn, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{pool: p, conn: c}
	p.park(s)
	return s, nil
}

const (
	// lockedWait is how long a session with live statements may wait in
	// ResetSession. Package sql holds the driverConn's lock meanwhile, and the
	// Close of any statement used on it waits for that lock: a holder of the
	// last connection that closes such a statement would wait for itself.
	lockedWait = int64(5 * time.Millisecond)

	// justHanded is how soon after IsValid a ResetSession can be the hand-over
	// of this very session from one caller to the next. Then ErrBadConn could
	// be package sql's third and last try, and reach the user.
	justHanded = int64(50 * time.Millisecond)
)

// ResetSession is called when package sql hands out a session that was used
// before. It begins a loan. Its error is kept for the next method, because
// package sql drops every error here but driver.ErrBadConn; and that one only
// leaves here for a session that waits with live statements (see lockedWait):
// package sql then discards the session and ends up in Connect, which may
// wait.
func (s *session) ResetSession(ctx context.Context) error {
	s.endLoan()
	s.sticky, s.lost = nil, nil
	p := s.pool
	if s.live == 0 {
		s.sticky = s.beginLoan(ctx)
		return nil
	}
	start := p.now()
	patience := lockedWait
	if start-s.handedBackAt < justHanded {
		patience = int64(p.cfg.AcquireTimeout)
	}
	c, err := p.acquireWithin(ctx, start, start+min(patience, int64(p.cfg.AcquireTimeout)))
	switch {
	case err == nil:
		s.conn, s.used = c, false
		s.sticky = s.announce()
	case patience == lockedWait && ctx.Err() == nil && errors.Is(err, ErrAcquireTimeout):
		return driver.ErrBadConn
	default:
		s.sticky = err
	}
	return nil
}

// IsValid is called when package sql gets a session back. It ends the loan
// without I/O. A session with live statements is given up when its connection
// went to somebody else: kept, it might have to wait with its statements'
// lock held.
func (s *session) IsValid() bool {
	s.sticky, s.lost = nil, nil
	idle := s.endLoan()
	if s.pool.isClosed.Load() {
		return false
	}
	return idle || s.live == 0
}

// Close is called when package sql discards the session. A loan that is still
// there and was used is one that IsValid did not see: after a panic or
// ErrBadConn in sql.Conn.Raw, or with package sql's own retirement. Nobody
// knows its state.
func (s *session) Close() error {
	if s.conn != nil && s.used && !s.parked.Load() {
		c := s.conn
		s.conn = nil
		s.pool.retire(c, &Reason{Code: CodeAbandoned})
		return nil
	}
	s.endLoan()
	return nil
}

// beginLoan acquires a connection for the session.
func (s *session) beginLoan(ctx context.Context) error {
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return err
	}
	s.conn, s.used = c, false
	return s.announce()
}

func (s *session) announce() error {
	err := s.pool.announce(s.conn)
	if err != nil {
		s.conn = nil
	}
	return err
}

// endLoan gives the connection back, if there is one, and reports whether it
// became idle.
func (s *session) endLoan() (idle bool) {
	if s.parked.Load() {
		return s.pool.unpark(s)
	}
	if s.conn == nil {
		return false
	}
	c := s.conn
	s.conn = nil
	idle, s.handedBackAt = s.pool.release(c)
	return idle
}

// CheckNamedValue accepts every argument: there may be no connection yet whose
// rules could be asked. convertArgs asks them later.
func (s *session) CheckNamedValue(*driver.NamedValue) error { return nil }

// Prepare implements driver.Conn.
func (s *session) Prepare(query string) (driver.Stmt, error) {
	return s.PrepareContext(context.Background(), query)
}

// Begin implements driver.Conn.
func (s *session) Begin() (driver.Tx, error) {
	return s.BeginTx(context.Background(), driver.TxOptions{})
}

// Raw returns the driver's own connection, for sql.Conn.Raw. It is nil when no
// connection could be acquired; the next method of the session says why.
func (s *session) Raw() driver.Conn {
	c, err := s.enter(context.Background(), &attempt{}, "")
	if err != nil {
		s.sticky = err
		return nil
	}
	s.used = true
	return c.Raw()
}

// Unwrap is Raw, under the name that tracing drivers use.
func (s *session) Unwrap() driver.Conn { return s.Raw() }
