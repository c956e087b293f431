// Package driverx calls a driver as database/sql does: with its optional interfaces, and with the same errors where the
// driver lacks one.
package driverx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// TakesExec reports whether c executes a text without preparing it first.
func TakesExec(c driver.Conn) bool {
	switch c.(type) {
	//lint:ignore SA1019 a driver may still have only driver.Execer
	case driver.ExecerContext, driver.Execer:
		return true
	}
	return false
}

// TakesQuery is TakesExec for rows.
func TakesQuery(c driver.Conn) bool {
	switch c.(type) {
	//lint:ignore SA1019 a driver may still have only driver.Queryer
	case driver.QueryerContext, driver.Queryer:
		return true
	}
	return false
}

// Exec executes a text; it returns driver.ErrSkip where c does not.
func Exec(ctx context.Context, c driver.Conn, query string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := c.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, query, args)
	}
	//lint:ignore SA1019 a driver may still have only this
	if e, ok := c.(driver.Execer); ok {
		values, err := plainValues(ctx, args)
		if err != nil {
			return nil, err
		}
		return e.Exec(query, values)
	}
	return nil, driver.ErrSkip
}

// Query is Exec for rows.
func Query(ctx context.Context, c driver.Conn, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := c.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	//lint:ignore SA1019 a driver may still have only this
	if q, ok := c.(driver.Queryer); ok {
		values, err := plainValues(ctx, args)
		if err != nil {
			return nil, err
		}
		return q.Query(query, values)
	}
	return nil, driver.ErrSkip
}

// Prepare prepares a text.
func Prepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := c.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	stmt, err := c.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = stmt.Close()
		return nil, ctx.Err()
	}
	return stmt, err
}

// Begin begins a transaction.
func Begin(ctx context.Context, c driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	//lint:ignore SA1019 a driver may still have only this
	tx, err := c.Begin()
	if err == nil && ctx.Err() != nil {
		_ = tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

// StmtExec executes a statement.
func StmtExec(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := plainValues(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 a driver may still have only this
	return s.Exec(values)
}

// StmtQuery is StmtExec for rows.
func StmtQuery(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := plainValues(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 a driver may still have only this
	return s.Query(values)
}

// plainValues is for methods without a context and without names.
func plainValues(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = arg.Value
	}
	return values, ctx.Err()
}
