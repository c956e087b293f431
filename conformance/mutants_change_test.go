package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/sqlpool/go/internal/fakedb"
)

// changeMutants go by what was so before a change.
var changeMutants = []mutant{
	{"SQL-37", "a text is prepared once for the life of its connection", below(func(c driver.Conn) driver.Conn {
		return &preparingConn{fullConn: c.(fullConn), kept: map[string]driver.Stmt{}}
	})},
	{"SQL-37", "a text is prepared anew after an error, which the driver alone does not have", below(func(c driver.Conn) driver.Conn {
		return &preparingConn{fullConn: c.(fullConn), kept: map[string]driver.Stmt{}, forgets: true}
	})},
	{"SQL-37", "a text goes on reading the table that it has read first", below(func(c driver.Conn) driver.Conn {
		return &namingConn{fullConn: c.(fullConn), found: map[string]driver.Value{}}
	})},
	{"SQL-37", "a text in a transaction goes on reading the table that it has read first", above(func(c *conn) driver.Conn {
		return &namingTxConn{namingConn: namingConn{fullConn: c, found: map[string]driver.Value{}}}
	})},
	{"SQL-37", "the driver itself prepares a text once for the life of its connection", driverAs(func(c *fakedb.Conn) driver.Conn {
		return &preparingConn{fullConn: c, kept: map[string]driver.Stmt{}}
	})},
	{"SQL-37", "the driver itself goes on reading the table that a text has read first", driverAs(func(c *fakedb.Conn) driver.Conn {
		return &namingConn{fullConn: c, found: map[string]driver.Value{}}
	})},
}

// driverAs changes the driver, under the pool and alone.
func driverAs(shape fakedb.Shape) breaking {
	return func(db *fakedb.DB, t *Target) { t.Connector = db.ConnectorAs(shape) }
}

// older reports whether a text is one of SQL-37's.
func older(text string) bool { return strings.HasSuffix(text, olderText) }

// preparingConn prepares the texts of queries and keeps them.
type preparingConn struct {
	fullConn
	kept    map[string]driver.Stmt
	forgets bool // after an error
}

func (c *preparingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !older(text) {
		return c.fullConn.QueryContext(ctx, text, args)
	}
	s := c.kept[text]
	if s == nil {
		var err error
		if s, err = c.fullConn.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		c.kept[text] = s
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil && c.forgets {
		delete(c.kept, text)
		return nil, errors.Join(err, s.Close())
	}
	return rows, err
}

// namingConn has a text read what it has read first.
type namingConn struct {
	fullConn
	found map[string]driver.Value
}

func (c *namingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.fullConn.QueryContext(ctx, text, args)
	if err != nil || !older(text) {
		return rows, err
	}
	return namedRows{rows.(fakeRows), text, c.found}, nil
}

type namedRows struct {
	fakeRows
	text  string
	found map[string]driver.Value
}

func (r namedRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	if err != nil {
		return err
	}
	if first, known := r.found[r.text]; known {
		dest[0] = first
	}
	r.found[r.text] = dest[0]
	return nil
}

// namingTxConn is namingConn in transactions.
type namingTxConn struct {
	namingConn
	within bool
}

func (c *namingTxConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.fullConn.BeginTx(ctx, opts)
	c.within = err == nil
	return namingTx{t, c}, err
}

func (c *namingTxConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.within {
		return c.fullConn.QueryContext(ctx, text, args)
	}
	return c.namingConn.QueryContext(ctx, text, args)
}

type namingTx struct {
	tx
	c *namingTxConn
}

func (t namingTx) Commit() error   { t.c.within = false; return t.tx.Commit() }
func (t namingTx) Rollback() error { t.c.within = false; return t.tx.Rollback() }
