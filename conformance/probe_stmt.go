package conformance

import (
	"context"
	"database/sql/driver"
)

// probedStmt is a prepared statement of a probedConn.
type probedStmt struct {
	conn  *probedConn
	text  string
	inner driver.Stmt
}

// NumInput implements driver.Stmt.
func (s probedStmt) NumInput() int { return s.inner.NumInput() }

// Close implements driver.Stmt.
func (s probedStmt) Close() error {
	return s.conn.call(context.Background(), OpUnstmt, s.text, s.inner.Close)
}

// CheckNamedValue asks the statement or else the connection, as package sql
// does.
func (s probedStmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.inner.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

// Exec implements driver.Stmt.
func (s probedStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements driver.Stmt.
func (s probedStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

// ExecContext implements driver.StmtExecContext.
func (s probedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (res driver.Result, err error) {
	err = s.conn.call(ctx, OpExec, s.text, func() (err error) {
		if e, ok := s.inner.(driver.StmtExecContext); ok {
			res, err = e.ExecContext(ctx, args)
			return err
		}
		//lint:ignore SA1019 a driver may still have only this
		res, err = s.inner.Exec(unnamed(args))
		return err
	})
	return res, err
}

// QueryContext implements driver.StmtQueryContext.
func (s probedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = s.conn.call(ctx, OpQuery, s.text, func() (err error) {
		if q, ok := s.inner.(driver.StmtQueryContext); ok {
			rows, err = q.QueryContext(ctx, args)
			return err
		}
		//lint:ignore SA1019 a driver may still have only this
		rows, err = s.inner.Query(unnamed(args))
		return err
	})
	return s.conn.rows(ctx, s.text, rows, err)
}

// probedTx is a transaction of a probedConn.
type probedTx struct {
	conn  *probedConn
	inner driver.Tx
}

// Commit implements driver.Tx.
func (t probedTx) Commit() error {
	return t.conn.call(context.Background(), OpCommit, "", t.inner.Commit)
}

// Rollback implements driver.Tx.
func (t probedTx) Rollback() error {
	return t.conn.call(context.Background(), OpRollback, "", t.inner.Rollback)
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

func unnamed(args []driver.NamedValue) []driver.Value {
	list := make([]driver.Value, len(args))
	for i, v := range args {
		list[i] = v.Value
	}
	return list
}
