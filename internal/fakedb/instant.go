package fakedb

import (
	"context"
	"database/sql/driver"
	"io"
)

// Instant returns a connector for benchmarks. Its connections have every ability, do nothing, succeed at once and
// allocate nothing; they share nothing, count nothing and cannot be scripted, so that what a benchmark measures is
// the pool. Every query answers one row, 1.
func Instant() driver.Connector { return instantConnector{} }

type instantConnector struct{}

func (instantConnector) Connect(context.Context) (driver.Conn, error) { return newInstant(), nil }
func (instantConnector) Driver() driver.Driver                        { return instantConnector{} }
func (instantConnector) Open(string) (driver.Conn, error)             { return newInstant(), nil }

// instantConn has the abilities of a connection of shape [Full], and carries the one statement, transaction and answer
// it ever gives out.
type instantConn struct {
	sent uint64
	stmt instantStmt
	rows instantRows
}

func newInstant() *instantConn {
	c := new(instantConn)
	c.stmt.c = c
	return c
}

func (c *instantConn) Ping(context.Context) error               { return nil }
func (c *instantConn) ResetSession(context.Context) error       { return nil }
func (c *instantConn) IsValid() bool                            { return true }
func (c *instantConn) Close() error                             { return nil }
func (c *instantConn) CheckNamedValue(*driver.NamedValue) error { return driver.ErrSkip }
func (c *instantConn) Begin() (driver.Tx, error)                { return instantTx{}, nil }
func (c *instantConn) Prepare(string) (driver.Stmt, error)      { return &c.stmt, nil }
func (c *instantConn) Alive() error                             { return nil }
func (c *instantConn) TxStatus() byte                           { return 'I' }
func (c *instantConn) Sent() uint64                             { return c.sent }
func (c *instantConn) Abort() error                             { return nil }
func (c *instantConn) Raw() driver.Conn                         { return c }
func (c *instantConn) Adapter() driver.Conn                     { return c }
func (c *instantConn) CacheQueries() bool                       { return false }

func (c *instantConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return &c.stmt, nil
}

func (c *instantConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return instantTx{}, nil
}

func (c *instantConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	c.sent++
	return one, nil
}

func (c *instantConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.sent++
	c.rows.done = false
	return &c.rows, nil
}

type instantTx struct{}

func (instantTx) Commit() error   { return nil }
func (instantTx) Rollback() error { return nil }

type instantStmt struct{ c *instantConn }

func (s *instantStmt) NumInput() int                              { return -1 }
func (s *instantStmt) Close() error                               { return nil }
func (s *instantStmt) Exec([]driver.Value) (driver.Result, error) { return s.ExecContext(bg, nil) }
func (s *instantStmt) Query([]driver.Value) (driver.Rows, error)  { return s.QueryContext(bg, nil) }

func (s *instantStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, "", args)
}

func (s *instantStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, "", args)
}

var instantColumns = []string{"one"}

type instantRows struct{ done bool }

func (r *instantRows) Columns() []string { return instantColumns }
func (r *instantRows) Close() error      { return nil }

func (r *instantRows) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	dest[0] = int64(1)
	return nil
}
