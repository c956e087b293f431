package route

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
)

// stmt is what database/sql takes for a prepared statement: a text, and what it is on the sessions that have executed
// it.
type stmt struct {
	conn   *conn
	text   string
	ofDB   bool // prepared by a *sql.DB and not by a *sql.Conn or a transaction
	once   bool // for one execution, which comes next
	closed bool
	on     []prepared
}

type prepared struct {
	in pooled
	driver.Stmt
}

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

// preparedOn returns the statement on a session, prepared now if it was not yet.
func (st *stmt) preparedOn(ctx context.Context, s *held) (driver.Stmt, error) {
	for _, p := range st.on {
		if p.in == s.pooled {
			return p.Stmt, nil
		}
	}
	inner, err := s.PrepareContext(ctx, st.text)
	if err != nil {
		return nil, err
	}
	s.stmts++
	st.on = append(slices.DeleteFunc(st.on, st.conn.forget), prepared{s.pooled, inner})
	return inner, nil
}

// forget closes what was prepared on a session that the conn has no more, and reports whether it was.
func (c *conn) forget(p prepared) bool {
	for _, s := range c.sessions {
		if s.pooled == p.in {
			return false
		}
	}
	_ = p.Close() // its session is closed
	return true
}

// ExecContext implements driver.StmtExecContext.
func (st *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (res driver.Result, err error) {
	err = st.conn.do(ctx, statement(ctx, st), func(s *held) error {
		inner, err := st.preparedOn(ctx, s)
		if err == nil {
			res, err = inner.(driver.StmtExecContext).ExecContext(ctx, args)
		}
		return err
	})
	return res, err
}

// QueryContext implements driver.StmtQueryContext.
func (st *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = st.conn.do(ctx, statement(ctx, st), func(s *held) error {
		inner, err := st.preparedOn(ctx, s)
		if err == nil {
			rows, err = inner.(driver.StmtQueryContext).QueryContext(ctx, args)
		}
		return err
	})
	return rows, err
}

// NumInput implements driver.Stmt: the pool's session checks the number of arguments.
func (st *stmt) NumInput() int { return -1 }

// Exec implements driver.Stmt. Database/sql does not call it.
func (st *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return st.ExecContext(context.Background(), driverx.Named(args))
}

// Query implements driver.Stmt. Database/sql does not call it.
func (st *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return st.QueryContext(context.Background(), driverx.Named(args))
}

// Close implements driver.Stmt.
func (st *stmt) Close() error {
	if st.closed {
		return nil
	}
	st.closed = true
	st.conn.closed++
	var errs []error
	for _, p := range st.on {
		errs = append(errs, p.Close())
		for i := range st.conn.sessions {
			if s := &st.conn.sessions[i]; s.pooled == p.in {
				s.stmts--
			}
		}
	}
	return errors.Join(errs...)
}
