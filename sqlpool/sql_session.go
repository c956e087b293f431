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
	pinned  bool            // a *sql.Conn's operation has run on it (see sql_hidden.go, like the next)
	reading bool            // the loan ends with rows that are open
	served  bool            // an operation of a *sql.DB has ended its loan
	tx      *tx             // the open transaction begun through BeginTx
	last    context.Context // of the last operation, if it can end: a driver may give the connection up with it after the answer, or while rows are read
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
	if s.tx != nil && !c.begun() { // Raw sends BEGIN then, and has no context of its own
		defer c.abortAtEnd(s.tx.caller)()
	}
	return c.Raw()
}

// Unwrap is Raw, under the name that tracing drivers use.
func (s *session) Unwrap() driver.Conn { return s.Raw() }
