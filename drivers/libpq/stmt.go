package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// pqStmt is what a prepared statement of lib/pq implements.
type pqStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

var _ pqStmt = (*stmt)(nil)

// stmt is lib/pq's statement under the connection's guard.
type stmt struct {
	conn  *conn
	inner pqStmt
}

func (c *conn) newStmt(inner driver.Stmt) (driver.Stmt, error) {
	switch inner := inner.(type) {
	case pqStmt:
		return &stmt{conn: c, inner: inner}, nil
	case pqCopyIn:
		c.copying = &copyIn{conn: c, inner: inner}
		return c.copying, nil
	default:
		c.broken = true
		return nil, fmt.Errorf("libpq: a statement of unknown type %T", inner)
	}
}

var errRowsOpen = errors.New("libpq: a statement cannot be closed while rows or a COPY are open")

// Close implements driver.Stmt. It has a limit of its own: a statement that is
// closed because others need its place must not wait for a silent server. While rows
// are open lib/pq would read one of them for the answer, and give the connection up.
func (s *stmt) Close() error {
	if s.conn.rows > 0 || s.conn.copying != nil {
		return errRowsOpen
	}
	if err := s.conn.begin(context.Background(), false); err != nil {
		return err
	}
	defer s.conn.guard.limit(stmtCloseLimit)()
	return s.conn.end(s.inner.Close())
}

// NumInput implements driver.Stmt.
func (s *stmt) NumInput() int { return s.inner.NumInput() }

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.beginNew(ctx, true); err != nil {
		return nil, err
	}
	res, err := s.inner.ExecContext(ctx, args)
	return res, s.conn.end(err)
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.beginNew(ctx, true); err != nil {
		return nil, err
	}
	rows, err := s.inner.QueryContext(ctx, args)
	if err != nil {
		return nil, s.conn.end(err)
	}
	return s.conn.rowsOf(rows, true)
}

// Exec implements driver.Stmt.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements driver.Stmt.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}
