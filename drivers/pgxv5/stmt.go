package pgxv5

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// stmtCloseLimit is how long Stmt.Close, which has no context, may wait for the
// server; stdlib's limit is 5 s. The pool cuts it short when its caller's context ends.
const stmtCloseLimit = 2 * time.Second

var errStmtClose = errors.New("the server did not answer the closing of a statement in time")

type stdStmt = stdlib.Stmt

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

// stmt is stdlib's statement. What is not here is stdlib's own: NumInput, and
// Exec and Query, which it refuses.
type stmt struct {
	*stdStmt
	conn *conn
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.ready(ctx); err != nil {
		return nil, err
	}
	asked := s.conn.wire.Asked()
	res, err := s.stdStmt.ExecContext(ctx, args)
	if err = settle(ctx, err); err != nil {
		return nil, err
	}
	return res, s.conn.doubt(ctx, asked)
}

// QueryContext implements driver.StmtQueryContext, as the connection's does.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.ready(ctx); err != nil {
		return nil, err
	}
	asked := s.conn.wire.Asked()
	rows, err := s.stdStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, settle(ctx, err)
	}
	return s.conn.doubtRows(ctx, rows, asked)
}

// Close implements driver.Stmt. A statement that is closed because others need
// its place must not wait for a silent server. While rows are open pgx forgets the
// statement's name and cannot close it; called again, it would close another name.
func (s *stmt) Close() error {
	if s.conn.pg.IsBusy() {
		return errBusy
	}
	defer s.conn.wire.StopAfter(stmtCloseLimit, errStmtClose)()
	return s.stdStmt.Close()
}
