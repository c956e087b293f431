package mockpool

import (
	"context"
	"database/sql/driver"
)

type poolStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// stmt is a statement of the pool's session. The pool prepares it on each
// connection that executes it, and closes it there in its own time. To the
// mock it is prepared once, and closed when database/sql closes it, before that
// returns: ExpectedPrepare.WillBeClosed is asked right after.
type stmt struct {
	poolStmt
	session *session
	mock    driver.Stmt // nil before it is prepared and after it is closed
}

// ExecContext implements driver.StmtExecContext.
func (st *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	c, err := st.session.enter(ctx, st)
	if err != nil {
		return nil, err
	}
	res, err := st.poolStmt.ExecContext(withCall(ctx, c), args)
	return res, c.outcome(err)
}

// QueryContext implements driver.StmtQueryContext.
func (st *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	c, err := st.session.enter(ctx, st)
	if err != nil {
		return nil, err
	}
	rows, err := st.poolStmt.QueryContext(withCall(ctx, c), args)
	return rows, c.outcome(err)
}

// Close implements driver.Stmt.
func (st *stmt) Close() error {
	err := st.poolStmt.Close()
	if st.mock == nil {
		return err
	}
	mock := st.mock
	st.mock = nil
	if closed := mock.Close(); closed != nil {
		return closed
	}
	return err
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if !c.lent.Load() {
		return &prepared{c, query}, nil
	}
	call := callOf(ctx)
	if call.stmt != nil && call.stmt.mock != nil {
		return &prepared{c, query}, nil // on another connection than before
	}
	var inner driver.Stmt
	err := c.pass(ctx, "Prepare", query, nil, func() (err error) {
		inner, err = c.mock.PrepareContext(ctx, query)
		return err
	})
	if err != nil || call.stmt == nil {
		return inner, err
	}
	call.stmt.mock = inner
	return &prepared{c, query}, nil
}

// prepared is a stmt on one connection. Like go-sqlmock's own, it executes its
// text.
type prepared struct {
	conn  *conn
	query string
}

// ExecContext implements driver.StmtExecContext.
func (p *prepared) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return p.conn.ExecContext(ctx, p.query, args)
}

// QueryContext implements driver.StmtQueryContext.
func (p *prepared) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return p.conn.QueryContext(ctx, p.query, args)
}

// NumInput implements driver.Stmt.
func (p *prepared) NumInput() int { return -1 }

// Close implements driver.Stmt. See stmt.Close.
func (p *prepared) Close() error { return nil }

// Exec implements driver.Stmt; it is not called where there is ExecContext.
func (p *prepared) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

// Query implements driver.Stmt; it is not called where there is QueryContext.
func (p *prepared) Query([]driver.Value) (driver.Rows, error) { return nil, driver.ErrSkip }
