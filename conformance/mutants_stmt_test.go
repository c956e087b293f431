package conformance

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/sqlpool/go/internal/fakedb"
)

// stmt is every interface of a session's statement.
type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type tx interface{ driver.Tx }

func stmtMutant(change func(stmt) driver.Stmt) breaking {
	return above(func(c *conn) driver.Conn { return stmtConn{c, change} })
}

type stmtConn struct {
	*conn
	change func(stmt) driver.Stmt
}

func (c stmtConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return c.change(s.(stmt)), nil
}

// mixedStmt answers the 20th call with somebody else's argument.
type mixedStmt struct{ stmt }

func (s mixedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 1 && args[0].Value == "caller 3, call 20" {
		args[0].Value = "caller 4, call 20"
	}
	return s.stmt.QueryContext(ctx, args)
}

// outsideStmt is unknown inside a transaction.
type outsideStmt struct{ stmt }

func (s outsideStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 1 && args[0].Value == "shared" {
		return nil, &fakedb.Error{Code: "26000", Msg: "prepared statement does not exist"}
	}
	return s.stmt.QueryContext(ctx, args)
}

// openStmt is never closed.
type openStmt struct{ stmt }

func (openStmt) Close() error { return nil }

// onceConn counts the executions of each statement.
type onceConn struct{ *conn }

func (c *onceConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil || text != "FAIL 22012" {
		return s, err
	}
	return &onceStmt{stmt: s.(stmt)}, nil
}

type onceStmt struct {
	stmt
	used bool
}

func (s *onceStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.used {
		return nil, errors.New("mutant: the statement has been executed")
	}
	s.used = true
	return s.stmt.ExecContext(ctx, args)
}

// deafTo hides what the driver says of an error with the code.
func deafTo(code string) breaking {
	return below(func(c driver.Conn) driver.Conn { return deafStale{c.(fullConn), code} })
}

// fullConn is what fakedb's connections, probed or not, have at least.
type fullConn = session

type deafStale struct {
	fullConn
	code string
}

func (c deafStale) StatementStale(err error) bool {
	var e *fakedb.Error
	if errors.As(err, &e) && e.Code == c.code {
		return false
	}
	return errors.As(err, &e) && (e.Code == "26000" || e.Code == "0A000")
}

// Transactions.

func txMutant(change func(tx) driver.Tx) breaking {
	return above(func(c *conn) driver.Conn { return txConn{c, change} })
}

type txConn struct {
	*conn
	change func(tx) driver.Tx
}

func (c txConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return c.change(t), nil
}

type backwardTx struct{ tx }

func (t backwardTx) Commit() error { return t.Rollback() }

type forwardTx struct{ tx }

func (t forwardTx) Rollback() error { return t.Commit() }

type mildTx struct{ tx }

func (t mildTx) Commit() error {
	_ = t.tx.Commit()
	return nil
}

// levelless is a driver without isolation levels behind a pool that drops them.
func levelless(db *fakedb.DB, t *Target) {
	t.Connector = db.ConnectorAs(func(c *fakedb.Conn) driver.Conn { return strictConn{c} })
	above(func(c *conn) driver.Conn { return laxConn{c} })(db, t)
}

type strictConn struct{ fullConn }

func (c strictConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts.Isolation != 0 {
		return nil, errors.New("this driver has no isolation levels")
	}
	return c.fullConn.BeginTx(ctx, opts)
}

type laxConn struct{ *conn }

func (c laxConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return c.conn.BeginTx(ctx, driver.TxOptions{})
}
