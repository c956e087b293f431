package mockpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool"
)

// poolSession is what the pool gives to database/sql.
type poolSession interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
	Raw() driver.Conn
	Unwrap() driver.Conn
}

// session is the pool's, with each call marked.
type session struct {
	poolSession
	m       *mockDB
	refused error // the gate's error in ResetSession, which database/sql would drop: the next method returns it
}

// ResetSession implements driver.SessionResetter.
func (s *session) ResetSession(ctx context.Context) error {
	s.refused = nil
	if s.refused = s.m.gate(ctx); s.refused != nil {
		return nil
	}
	return s.poolSession.ResetSession(ctx)
}

// IsValid implements driver.Validator. The pool gives up a session with open
// statements when its connection does not become idle at once, for example
// because a hook has work to do on it first. database/sql would then prepare them
// again, which costs the pool nothing and a mock an expectation.
func (s *session) IsValid() bool {
	s.refused = nil
	return s.poolSession.IsValid() || s.m.pool.Stats().State != sqlpool.StateClosed
}

// ExecContext implements driver.ExecerContext.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c, err := s.enter(ctx, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.poolSession.ExecContext(withCall(ctx, c), query, args)
	return res, c.outcome(err)
}

// QueryContext implements driver.QueryerContext.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c, err := s.enter(ctx, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.poolSession.QueryContext(withCall(ctx, c), query, args)
	return rows, c.outcome(err)
}

// BeginTx implements driver.ConnBeginTx.
func (s *session) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c, err := s.enter(ctx, nil)
	if err != nil {
		return nil, err
	}
	tx, err := s.poolSession.BeginTx(withCall(ctx, c), opts)
	return tx, c.outcome(err)
}

// Ping implements driver.Pinger.
func (s *session) Ping(ctx context.Context) error {
	c, err := s.enter(ctx, nil)
	if err != nil {
		return err
	}
	return c.outcome(s.poolSession.Ping(withCall(ctx, c)))
}

// PrepareContext implements driver.ConnPrepareContext.
func (s *session) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st := &stmt{session: s}
	c, err := s.enter(ctx, st)
	if err != nil {
		return nil, err
	}
	inner, err := s.poolSession.PrepareContext(withCall(ctx, c), query)
	if err != nil {
		return nil, c.outcome(err)
	}
	st.poolStmt = inner.(poolStmt)
	return st, nil
}

// Prepare implements driver.Conn.
func (s *session) Prepare(query string) (driver.Stmt, error) {
	return s.PrepareContext(context.Background(), query)
}

// Begin implements driver.Conn.
func (s *session) Begin() (driver.Tx, error) {
	return s.BeginTx(context.Background(), driver.TxOptions{})
}

// enter begins a call, for a statement if st is not nil.
func (s *session) enter(ctx context.Context, st *stmt) (*call, error) {
	if err := s.refused; err != nil {
		s.refused = nil
		return nil, err
	}
	return &call{stmt: st, tied: s.m.loans.whose(ctx)}, nil
}
