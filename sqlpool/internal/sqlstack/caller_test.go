package sqlstack_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"sync/atomic"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// Middlewares of any depth lie between database/sql and the session.
func TestTheCallerIsFoundBelowManyFrames(t *testing.T) {
	var found atomic.Value
	var below func(n int, f func())
	below = func(n int, f func()) {
		if n == 0 {
			f()
			return
		}
		below(n-1, f)
	}
	probe := &callerProbe{look: func() {
		below(200, func() {
			caller, method := sqlstack.Caller()
			found.Store(string(caller) + "." + method)
		})
	}}
	db := sql.OpenDB(probe)
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func(){
		"DB.ExecContext":    func() { _, _ = db.Exec("x") },
		"DB.PrepareContext": func() { _, _ = db.Prepare("x") },
		"DB.BeginTx":        func() { _, _ = db.Begin() },
		"Conn.ExecContext":  func() { _, _ = conn.ExecContext(context.Background(), "x") },
	} {
		f()
		if got := found.Load(); got != want {
			t.Errorf("called by %v, want %s", got, want)
		}
	}
	if caller, method := sqlstack.Caller(); caller != sqlstack.Unknown {
		t.Errorf("called by %s.%s, and database/sql has no part in it", caller, method)
	}
}

type callerProbe struct{ look func() }

func (c *callerProbe) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *callerProbe) Driver() driver.Driver                        { return nil }
func (c *callerProbe) Close() error                                 { return nil }
func (c *callerProbe) Begin() (driver.Tx, error)                    { c.look(); return nil, io.EOF }
func (c *callerProbe) Prepare(string) (driver.Stmt, error)          { c.look(); return nil, io.EOF }
func (c *callerProbe) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	c.look()
	return nil, io.EOF
}
