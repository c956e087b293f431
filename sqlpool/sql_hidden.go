package sqlpool

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/sqlpool/go/sqlpool/internal/sqlrows"
	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// Database/sql tells a session that its loan is over by calling IsValid. A
// wrapper above the pool may hide that method: driver.Validator is optional, and
// most tracing wrappers do not pass it on. Until a connector's sessions have
// seen the first IsValid, a loan therefore ends with the operation that it was
// for, where that operation has the session for itself: one of a *sql.DB, of a
// statement prepared on one, or a transaction begun on one. An operation of a
// *sql.Conn leaves the loan alone, because temporary tables, advisory locks and
// settings are the caller's until the Conn is closed.
//
// A driver is not told which of the two calls it, but the stack shows it: the
// names looked for are public methods of database/sql. An operation whose caller
// is not found, because a wrapper runs it on another goroutine, counts as one of
// a *sql.Conn.
//
// What stays hidden is the end of a *sql.Conn: its loan ends when database/sql
// uses or discards that session next, and Holder.EndUnseen says so.

// endsUnseen reports whether IsValid may be hidden from this session.
func (s *session) endsUnseen() bool { return s.from != nil && !s.from.isValid.seen.Load() }

// alone reports whether the operation that begins, of st if that is not nil, has
// the session for itself, so that the loan ends with it. What a *sql.Conn left
// behind ends before it.
func (s *session) alone(ctx context.Context, st *stmt) (alone bool, err error) {
	if s.tx != nil {
		return false, nil
	}
	s.begins()
	switch caller, _ := sqlstack.Caller(); {
	case caller == sqlstack.DB, caller == sqlstack.Stmt && st != nil && st.ofDB:
	default:
		s.pinned = true
		return false, nil
	}
	if s.pinned {
		s.endAlone()
	}
	return true, s.borrowForDB(ctx)
}

// begins is called at an operation that is in no transaction. After one that had the
// session for itself database/sql has had it back, so IsValid was skipped: it may be
// the wrapper hides ResetSession too.
func (s *session) begins() {
	if s.served {
		s.from.isValid.skipped.Store(true)
	}
}

// borrowForDB acquires a connection for an operation of a *sql.DB where
// ResetSession has not, because the wrapper hides that too. It must not wait
// under the driverConn's lock for longer than ResetSession does.
func (s *session) borrowForDB(ctx context.Context) error {
	if s.live == 0 || s.conn != nil || s.reserved.held.Load() || s.sticky != nil {
		return nil // enter acquires
	}
	if ctx.Err() != nil {
		return nil // enter says so
	}
	return s.borrow(ctx)
}

// endAlone is what IsValid does.
func (s *session) endAlone() {
	s.served = true
	s.clear()
	s.live -= s.closed
	s.closed = 0
	s.endLoan()
}

func (s *session) execAlone(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (res driver.Result, err error) {
	alone, err := s.alone(ctx, st)
	if err != nil {
		return nil, err
	}
	defer func() {
		if alone && err != driver.ErrSkip { // after that it is prepared on the same loan
			s.endAlone()
		}
	}()
	return s.exec(ctx, st, text, args)
}

func (s *session) queryAlone(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (rows driver.Rows, err error) {
	alone, err := s.alone(ctx, st)
	if err != nil {
		return nil, err
	}
	ends := alone
	defer func() {
		if ends && err != driver.ErrSkip {
			s.endAlone()
		}
	}()
	rows, err = s.query(ctx, st, text, args)
	if alone && err == nil {
		ends, s.reading = false, true
		return sqlrows.OnClose(rows, func(error) {
			s.reading = false
			s.endAlone()
		}), nil
	}
	return rows, err
}

func (s *session) pingAlone(ctx context.Context) error {
	alone, err := s.alone(ctx, nil)
	if err != nil {
		return err
	}
	if alone {
		defer s.endAlone()
	}
	return s.ping(ctx)
}

// prepareAlone prepares for a *sql.DB, for one operation of it that the driver
// does not execute as text, or for a *sql.Conn.
func (s *session) prepareAlone(ctx context.Context, query string) (driver.Stmt, error) {
	s.begins()
	caller, method := sqlstack.Caller()
	ofDB := caller == sqlstack.DB || caller == sqlstack.Stmt
	if !ofDB {
		s.pinned = true
	} else if s.pinned {
		s.endAlone()
	}
	if ofDB {
		if err := s.borrowForDB(ctx); err != nil {
			return nil, err
		}
	}
	st, err := s.prepare(ctx, query)
	if ofDB && (err != nil || caller == sqlstack.DB && strings.HasPrefix(method, "Prepare")) {
		s.endAlone()
	}
	if err != nil {
		return nil, err
	}
	st.ofDB = ofDB
	return st, nil
}

func (s *session) beginAlone(ctx context.Context, opts driver.TxOptions) (*tx, error) {
	alone, err := s.alone(ctx, nil)
	if err != nil {
		return nil, err
	}
	t, err := s.beginTx(ctx, opts)
	switch {
	case err == nil:
		t.alone = alone
	case alone:
		s.endAlone()
	}
	return t, err
}

// endUnused ends the loan of a statement that database/sql prepared for one
// operation of a *sql.DB and closes unexecuted.
func (s *session) endUnused(st *stmt) {
	if s.endsUnseen() && st.ofDB && !s.pinned && !s.reading && s.tx == nil && s.used && s.conn != nil {
		s.endAlone()
	}
}
