package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/sqlpool/go/internal/fakedb"
)

// beginMutants keep BEGIN until the first statement, and do it wrong.
var beginMutants = []mutant{
	{"SQL-35", "a BEGIN that is refused is dropped, and the statements run on their own", above(func(c *conn) driver.Conn { return &looseConn{conn: c} })},
	{"SQL-35", "the first statement has another error than the BEGIN that was refused", above(func(c *conn) driver.Conn { return &looseConn{conn: c, says: stateError("25P02")} })},
	{"SQL-36", "the BEGIN of a transaction without a statement waits for the next caller's", above(func(c *conn) driver.Conn { return &lateConn{conn: c} })},
	{"INV-13", "a statement whose connection was lost runs on another one, outside of its transaction", straying("inv-13")},
	{"OUT-13", "a statement whose session has ended runs on another one, outside of its transaction", straying("out-13")},
}

// writesFor reports whether a statement writes a row of a rule.
func writesFor(rule string, args []driver.NamedValue) bool {
	if len(args) != 1 {
		return false
	}
	token, ok := args[0].Value.(string)
	return ok && strings.HasPrefix(token, rule)
}

// looseConn begins a transaction whose BEGIN was refused.
type looseConn struct {
	*conn
	says   error // of its statements; nil: they are executed
	within bool
}

func (c *looseConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if errors.Is(err, stateError("0A000")) {
		c.within = true
		return looseTx{c}, nil
	}
	return t, err
}

func (c *looseConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if c.within && c.says != nil {
		return nil, c.says
	}
	return c.conn.ExecContext(ctx, text, args)
}

type looseTx struct{ c *looseConn }

func (t looseTx) Commit() error {
	t.c.within = false
	return t.c.says
}

func (t looseTx) Rollback() error {
	t.c.within = false
	return nil
}

// lateConn begins for the next statement when a transaction has had none.
type lateConn struct {
	*conn
	used, waits bool
}

func (c *lateConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.used, c.waits = false, false
	return lateTx{t, c}, nil
}

func (c *lateConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if c.waits && writesFor("sql-36", args) {
		if _, err := c.conn.BeginTx(ctx, driver.TxOptions{}); err != nil {
			return nil, err
		}
	}
	c.used, c.waits = true, false
	return c.conn.ExecContext(ctx, text, args)
}

type lateTx struct {
	tx
	c *lateConn
}

func (t lateTx) Commit() error {
	t.c.waits = !t.c.used
	return t.tx.Commit()
}

func (t lateTx) Rollback() error {
	t.c.waits = !t.c.used
	return t.tx.Rollback()
}

// straying has a rule's statements that fail in a transaction executed elsewhere.
func straying(rule string) breaking {
	return func(db *fakedb.DB, t *Target) {
		above(func(c *conn) driver.Conn { return &strayConn{conn: c, db: db, rule: rule} })(db, t)
	}
}

type strayConn struct {
	*conn
	db     *fakedb.DB
	rule   string
	within bool
}

func (c *strayConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	c.within = err == nil
	return t, err
}

func (c *strayConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, text, args)
	if err == nil || !c.within || !writesFor(c.rule, args) {
		return result, err
	}
	other, err := c.db.Connector().Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer other.Close()
	return other.(driver.ExecerContext).ExecContext(ctx, text, args)
}
