package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sqlpool/go/internal/fakedb"
)

var sqlMutants = []mutant{
	{"SQL-01", "column names are changed", rowsMutant(func(r driver.Rows) driver.Rows { return loudRows{r} })},
	{"SQL-02", "rows are wrapped without their optional interfaces", rowsMutant(func(r driver.Rows) driver.Rows {
		return struct{ driver.Rows }{r}
	})},
	{"SQL-03", "arguments are converted to text", above(func(c *conn) driver.Conn { return textConn{c} })},
	{"SQL-04", "arguments are counted by nobody", above(func(c *conn) driver.Conn { return lenientConn{c} })},
	{"SQL-05", "results are nobody's", execMutant(func(driver.Result, error) (driver.Result, error) { return driver.ResultNoRows, nil }, "INSERT", "SELECT")},
	{"SQL-06", "result sets but the first are dropped", rowsMutant(func(r driver.Rows) driver.Rows { return oneSet{r.(fakeRows)} })},
	{"SQL-07", "rows end early", rowsMutant(func(r driver.Rows) driver.Rows { return &shortRows{fakeRows: r.(fakeRows)} })},
	{"SQL-08", "an empty answer is an error", above(func(c *conn) driver.Conn { return nonEmptyConn{c} })},
	{"SQL-09", "rows closed early stay open on the connection", above(func(c *conn) driver.Conn { return stickyConn{c} })},
	{"SQL-10", "errors are wrapped without Unwrap", execMutant(func(_ driver.Result, err error) (driver.Result, error) {
		return nil, fmt.Errorf("the pool says: %v", err)
	}, "FAIL")},
	{"SQL-11", "NULL is an empty text", rowsMutant(func(r driver.Rows) driver.Rows { return fullRows{r.(fakeRows)} })},
	{"SQL-12", "ended contexts reach the driver", above(func(c *conn) driver.Conn { return timelessConn{c, "SELECT"} })},
	{"SQL-13", "contexts do not reach the driver", above(func(c *conn) driver.Conn { return timelessConn{c, "SLEEP 20s"} })},
	{"SQL-14", "a statement is executed once only", above(func(c *conn) driver.Conn { return &onceConn{conn: c} })},
	{"SQL-15", "answers get mixed up", stmtMutant(func(s stmt) driver.Stmt { return mixedStmt{s} })},
	{"SQL-16", "a statement is forgotten in a transaction", stmtMutant(func(s stmt) driver.Stmt { return outsideStmt{s} })},
	{"SQL-17", "what a driver says of stale statements is not heard", deafTo("0A000")},
	{"SQL-18", "what a driver says of forgotten statements is not heard", deafTo("26000")},
	{"SQL-19", "Commit rolls back", txMutant(func(t tx) driver.Tx { return backwardTx{t} })},
	{"SQL-20", "Commit hides that the transaction had failed", where(func(s Settings) bool { return s.MaxConns == 0 }, txMutant(func(t tx) driver.Tx { return mildTx{t} }))},
	{"SQL-21", "isolation levels are accepted and dropped", levelless},
	{"SQL-22", "Rollback commits", txMutant(func(t tx) driver.Tx { return forwardTx{t} })},
	{"SQL-23", "a Conn changes its session", above(func(c *conn) driver.Conn { return &fickleConn{conn: c} })},
	{"SQL-24", "Raw leads to the pool's own session", above(func(c *conn) driver.Conn { return rawlessConn{c} })},
	{"SQL-25", "a session that is discarded gives its connection back", above(func(c *conn) driver.Conn { return gonerConn{c} })},
	{"SQL-26", "Ping is answered by the pool", above(func(c *conn) driver.Conn { return deafConn{c} })},
	{"SQL-27", "Driver is the pool's", func(db *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			s.Connector = strangeConnector{s.Connector}
			return OpenPool(s)
		}
	}},
}

type fakeRows interface {
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
}

// rowsMutant changes the rows of queries, prepared or not.
func rowsMutant(change func(driver.Rows) driver.Rows) breaking {
	return above(func(c *conn) driver.Conn { return rowsConn{c, change} })
}

type rowsConn struct {
	*conn
	change func(driver.Rows) driver.Rows
}

func (c rowsConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.change(rows), nil
}

type loudRows struct{ driver.Rows }

func (r loudRows) Columns() []string {
	names := r.Rows.Columns()
	for i := range names {
		names[i] += "!"
	}
	return names
}

type oneSet struct{ fakeRows }

func (oneSet) HasNextResultSet() bool { return false }

type shortRows struct {
	fakeRows
	n int
}

func (r *shortRows) Next(dest []driver.Value) error {
	if r.n++; r.n > 1000 {
		return io.EOF
	}
	return r.fakeRows.Next(dest)
}

// fullRows has no NULL.
type fullRows struct{ fakeRows }

func (r fullRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	for i := range dest {
		if dest[i] == nil {
			dest[i] = ""
		}
	}
	return err
}

type stickyConn struct{ *conn }

func (c stickyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if err != nil || !strings.HasPrefix(query, "SERIES 500") {
		return rows, err
	}
	return &stickyRows{fakeRows: rows.(fakeRows)}, nil
}

// stickyRows fails every close that comes before the end, as a driver does
// that leaves the rest of an answer on the connection.
type stickyRows struct {
	fakeRows
	ended bool
}

func (r *stickyRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	r.ended = r.ended || err == io.EOF
	return err
}

func (r *stickyRows) Close() error {
	err := r.fakeRows.Close()
	if !r.ended && !r.HasNextResultSet() {
		return errors.Join(err, errors.New("mutant: the rest of the answer is still there"))
	}
	return err
}

type textConn struct{ *conn }

func (textConn) CheckNamedValue(v *driver.NamedValue) error {
	v.Value = fmt.Sprint(v.Value)
	return nil
}

type lenientConn struct{ *conn }

func (c lenientConn) CheckNamedValue(v *driver.NamedValue) error {
	v.Name = ""
	return nil
}

func (c lenientConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil || !strings.Contains(text, "?") {
		return s, err
	}
	return lenientStmt{s.(stmt)}, nil
}

type lenientStmt struct{ stmt }

func (s lenientStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if len(args) != 1 {
		return driver.RowsAffected(1), nil
	}
	return s.stmt.ExecContext(ctx, args)
}

// execMutant changes the outcome of statements that begin with one of the
// words.
func execMutant(change func(driver.Result, error) (driver.Result, error), words ...string) breaking {
	return above(func(c *conn) driver.Conn { return execConn{c, change, words} })
}

type execConn struct {
	*conn
	change func(driver.Result, error) (driver.Result, error)
	words  []string
}

func (c execConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	for _, word := range c.words {
		if strings.HasPrefix(query, word) && (err != nil) == (word == "FAIL") {
			return c.change(result, err)
		}
	}
	return result, err
}

type nonEmptyConn struct{ *conn }

func (c nonEmptyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if query == "SERIES 0" {
		return nil, sql.ErrNoRows
	}
	return c.conn.QueryContext(ctx, query, args)
}

// timelessConn keeps contexts from the driver.
type timelessConn struct {
	*conn
	word string
}

func (c timelessConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(query, c.word) {
		ctx = context.WithoutCancel(ctx)
	}
	return c.conn.ExecContext(ctx, query, args)
}

type rawlessConn struct{ *conn }

func (c rawlessConn) Raw() driver.Conn { return c }

// gonerConn gives back what it should retire.
type gonerConn struct{ *conn }

func (c gonerConn) Close() error {
	c.IsValid()
	return nil
}

type deafConn struct{ *conn }

func (deafConn) Ping(ctx context.Context) error { return ctx.Err() }

type strangeConnector struct{ driver.Connector }

func (c strangeConnector) Driver() driver.Driver { return strangeDriver{c.Connector.Driver()} }

type strangeDriver struct{ driver.Driver }

// fickleConn says that each question comes from another session.
type fickleConn struct {
	*conn
	n int64
}

func (c *fickleConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if err != nil || query != "SELECT pid" {
		return rows, err
	}
	c.n++
	return otherSession{rows.(fakeRows), c.n}, nil
}

type otherSession struct {
	fakeRows
	n int64
}

func (r otherSession) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	if id, ok := dest[0].(int64); ok {
		dest[0] = id + r.n/10*1000
	}
	return err
}
