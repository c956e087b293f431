package sqlpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// session is what database/sql takes for a connection: at most one loan of a
// physical connection. Database/sql may cache sessions, drop them and hand them
// from caller to caller under any settings of its own; the loan follows the
// callers' use and not the session's life.
//
// Database/sql calls a session's methods one at a time, under the lock of its
// driverConn. Only the pool comes in between, to revoke a reservation.
type session struct {
	pool *Pool
	from *connector // that opened it; nil in tests
	conn *Conn      // the loan; nil without one

	reserved reservation // what the session may use next, until the pool revokes it (see reserve.go)

	used    bool            // an operation has run on the present loan
	raw     bool            // the driver's connection was handed out in it
	pinned  bool            // a *sql.Conn's operation has run on it (see loanend.go, like the next)
	reading bool            // the loan ends with rows that are open
	served  bool            // an operation of a *sql.DB has ended its loan
	tx      *tx             // the open transaction begun through BeginTx
	rowsOf  context.Context // of the last query, if it can end: a driver may give the connection up while rows are read
	sticky  error           // ResetSession's failure, which database/sql would drop: the next method returns it
	lost    error           // the connection broke in mid-loan: everything fails until the session is handed back

	open []*stmt // statements with a source

	// live counts the statements whose Close may want the driverConn's lock. Of these, closed have been closed since the
	// session was handed out: database/sql takes the lock once more after that.
	live, closed int
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
// of database/sql's locks. The connection is reserved until its first use.
func (p *Pool) openSession(ctx context.Context) (*session, error) {
	s := &session{pool: p}
	if _, err := p.acquireAs(ctx, acquiring{opener: true, reserve: &s.reserved}); err != nil {
		return nil, err
	}
	return s, nil
}

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
		if !onLastTry() {
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
	if s.rowsOf != nil {
		s.rowsOf = nil
	}
}

// Close is called when database/sql discards the session. A loan that is still
// there is one that IsValid did not see: after a panic or ErrBadConn in
// sql.Conn.Raw, and then the connection's state is unknown, or because a wrapper
// hides IsValid, and then it is judged like any other that comes back.
//
// The same wrapper may hide the connector's Close. Closing the *sql.DB closes its
// idle sessions, and with them the pool.
func (s *session) Close() error {
	s.quit()
	abandoned := true
	if s.endsUnseen() {
		caller, method := sqlstack.Caller()
		if caller == sqlstack.DB && method == "Close" {
			go s.from.Close() // not waited for: database/sql closes the sessions one by one
		}
		abandoned = s.raw || caller == sqlstack.Conn && method != "Close" // Raw, as a rule
	}
	if s.conn != nil && s.used && abandoned {
		c := s.conn
		s.conn, s.tx, s.raw = nil, nil, false
		s.pool.retire(c, &Reason{Code: CodeAbandoned})
		return nil
	}
	s.endLoan()
	return nil
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
	var a attempt
	c, err := s.enter(context.Background(), &a, "")
	if err != nil {
		s.sticky = err
		return nil
	}
	s.used, s.raw = true, true
	s.pinned = true
	c.handOut()
	if s.tx != nil && c.can.txProgress != nil {
		if begun, _ := c.can.txProgress(); !begun { // Raw sends BEGIN then, and has no context of its own
			defer context.AfterFunc(s.tx.caller, c.abort)()
		}
	}
	return c.Raw()
}

// Unwrap is Raw, under the name that tracing drivers use.
func (s *session) Unwrap() driver.Conn { return s.Raw() }
