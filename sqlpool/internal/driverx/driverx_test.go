package driverx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// journal is what a driver was asked.
type journal struct{ calls []string }

func (j *journal) note(call string, args any) {
	text := fmt.Sprintf("%s %#v", call, args)
	j.calls = append(j.calls, strings.ReplaceAll(text, "Value(nil)", "Value{}")) // no arguments are no arguments
}

// minimal is a connection without any optional interface.
type minimal struct {
	*journal
	stmt func(*journal) driver.Stmt
}

func (c minimal) Prepare(string) (driver.Stmt, error) {
	c.note("prepare", nil)
	return c.stmt(c.journal), nil
}
func (c minimal) Close() error              { return nil }
func (c minimal) Begin() (driver.Tx, error) { c.note("begin", nil); return c, nil }
func (c minimal) Commit() error             { return nil }
func (c minimal) Rollback() error           { return nil }

// legacy executes texts, without a context and names.
type legacy struct{ minimal }

func (c legacy) Exec(_ string, args []driver.Value) (driver.Result, error) {
	c.note("exec", args)
	return driver.ResultNoRows, nil
}

func (c legacy) Query(_ string, args []driver.Value) (driver.Rows, error) {
	c.note("query", args)
	return empty{}, nil
}

// modern has everything, and rules of its own for arguments.
type modern struct{ minimal }

func (c modern) ExecContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Result, error) {
	c.note("exec", args)
	return driver.ResultNoRows, nil
}

func (c modern) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	c.note("query", args)
	return empty{}, nil
}

func (c modern) PrepareContext(context.Context, string) (driver.Stmt, error) { return c.Prepare("") }

func (c modern) BeginTx(_ context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.note("begin", opts)
	return c, nil
}

func (modern) CheckNamedValue(v *driver.NamedValue) error {
	switch v.Value {
	case "gone":
		return driver.ErrRemoveArgument
	case "bad":
		return errors.New("refused")
	}
	return driver.ErrSkip
}

// shy takes texts to prepare only.
type shy struct{ modern }

func (shy) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, driver.ErrSkip
}

func (shy) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return nil, driver.ErrSkip
}

type plainStmt struct{ *journal }

func (plainStmt) Close() error  { return nil }
func (plainStmt) NumInput() int { return 1 }
func (s plainStmt) Exec(args []driver.Value) (driver.Result, error) {
	s.note("stmt exec", args)
	return driver.ResultNoRows, nil
}

func (s plainStmt) Query(args []driver.Value) (driver.Rows, error) {
	s.note("stmt query", args)
	return empty{}, nil
}

type contextStmt struct{ plainStmt }

func (s contextStmt) ExecContext(_ context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.note("stmt exec", args)
	return driver.ResultNoRows, nil
}

func (s contextStmt) QueryContext(_ context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.note("stmt query", args)
	return empty{}, nil
}

// columnStmt converts by column, and does not say how many there are.
type columnStmt struct{ plainStmt }

func (columnStmt) NumInput() int { return -1 }
func (columnStmt) ColumnConverter(column int) driver.ValueConverter {
	if column == 0 {
		return driver.String
	}
	return driver.Int32
}

type empty struct{}

func (empty) Columns() []string         { return nil }
func (empty) Close() error              { return nil }
func (empty) Next([]driver.Value) error { return errors.New("no rows") }

// connector makes one connection of a shape.
type connector struct{ conn driver.Conn }

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }
func (c connector) Driver() driver.Driver                        { return nil }

func shapes() map[string]func(*journal) driver.Conn {
	stmts := map[string]func(*journal) driver.Stmt{
		"plain":   func(j *journal) driver.Stmt { return plainStmt{j} },
		"context": func(j *journal) driver.Stmt { return contextStmt{plainStmt{j}} },
		"column":  func(j *journal) driver.Stmt { return columnStmt{plainStmt{j}} },
	}
	all := map[string]func(*journal) driver.Conn{}
	for name, stmt := range stmts {
		base := func(j *journal) minimal { return minimal{j, stmt} }
		all["minimal/"+name] = func(j *journal) driver.Conn { return base(j) }
		all["legacy/"+name] = func(j *journal) driver.Conn { return legacy{base(j)} }
		all["modern/"+name] = func(j *journal) driver.Conn { return modern{base(j)} }
		all["shy/"+name] = func(j *journal) driver.Conn { return shy{modern{base(j)}} }
	}
	return all
}

func TestADriverIsCalledAsDatabaseSQLCallsIt(t *testing.T) {
	ctx, over := context.Background(), overContext()
	null := (*string)(nil)
	arguments := [][]any{
		nil, {1}, {int8(7)}, {"x", "y"}, {sql.Named("n", 1)}, {struct{}{}}, {null}, {"gone"}, {"gone", 2}, {"bad"},
		{sql.NullString{String: "v", Valid: true}}, {sql.NullString{}}, {uint64(1 << 63)}, {"x", "no number"}, {[]byte(nil)},
	}
	for shape, make := range shapes() {
		compare := func(what string, plain func(*sql.DB) error, ours func(driver.Conn) error) {
			var want, got journal
			db := sql.OpenDB(connector{make(&want)})
			defer db.Close()
			wantErr, gotErr := plain(db), ours(make(&got))
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !slices.Equal(got.calls, want.calls) {
				t.Errorf("%s, %s:\n got %v %v\nwant %v %v", shape, what, gotErr, got.calls, wantErr, want.calls)
			}
		}
		for _, args := range arguments {
			what := fmt.Sprintf("%#v", args)
			compare("exec "+what,
				func(db *sql.DB) error { _, err := db.ExecContext(ctx, "q", args...); return err },
				func(c driver.Conn) error { return execute(ctx, c, args, TakesExec(c), execText, execStmt) })
			compare("query "+what,
				func(db *sql.DB) error { return closed(db.QueryContext(ctx, "q", args...)) },
				func(c driver.Conn) error { return execute(ctx, c, args, TakesQuery(c), queryText, queryStmt) })
		}
		for _, opts := range []sql.TxOptions{{}, {ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
			compare(fmt.Sprintf("begin %+v", opts),
				func(db *sql.DB) error { return rolledBack(db.BeginTx(ctx, &opts)) },
				func(c driver.Conn) error {
					_, err := Begin(ctx, c, driver.TxOptions{Isolation: driver.IsolationLevel(opts.Isolation), ReadOnly: opts.ReadOnly})
					return err
				})
		}
		// database/sql looks at the context before it has a connection; a context that ends
		// meanwhile is seen by the driver, or after a call without a context.
		if _, err := Prepare(over, make(&journal{}), "q"); strings.HasPrefix(shape, "minimal") && err != context.Canceled {
			t.Errorf("%s: Prepare with a context that has ended: %v", shape, err)
		}
		if _, err := Begin(over, make(&journal{}), driver.TxOptions{}); strings.HasPrefix(shape, "minimal") && err != context.Canceled {
			t.Errorf("%s: Begin with a context that has ended: %v", shape, err)
		}
	}
}

func overContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// execute is what database/sql makes of an operation: a text, and a statement where the
// driver does not take it.
func execute(ctx context.Context, c driver.Conn, args []any, takes bool,
	text func(context.Context, driver.Conn, []driver.NamedValue) error, prepared func(context.Context, driver.Stmt, []driver.NamedValue) error) error {
	if takes {
		values, err := Convert(c, nil, named(args), -1)
		if err == nil {
			err = text(ctx, c, values)
		}
		if err != driver.ErrSkip {
			return err
		}
	}
	stmt, err := Prepare(ctx, c, "q")
	if err != nil {
		return err
	}
	values, err := Convert(c, stmt, named(args), stmt.NumInput())
	if err != nil {
		return err
	}
	return prepared(ctx, stmt, values)
}

func execText(ctx context.Context, c driver.Conn, args []driver.NamedValue) error {
	_, err := Exec(ctx, c, "q", args)
	return err
}

func queryText(ctx context.Context, c driver.Conn, args []driver.NamedValue) error {
	_, err := Query(ctx, c, "q", args)
	return err
}

func execStmt(ctx context.Context, s driver.Stmt, args []driver.NamedValue) error {
	_, err := StmtExec(ctx, s, args)
	return err
}

func queryStmt(ctx context.Context, s driver.Stmt, args []driver.NamedValue) error {
	_, err := StmtQuery(ctx, s, args)
	return err
}

func named(args []any) []driver.NamedValue {
	var list []driver.NamedValue
	for i, arg := range args {
		v := driver.NamedValue{Ordinal: i + 1, Value: arg}
		if n, ok := arg.(sql.NamedArg); ok {
			v.Name, v.Value = n.Name, n.Value
		}
		list = append(list, v)
	}
	return list
}

func closed(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	return rows.Close()
}

func rolledBack(tx *sql.Tx, err error) error {
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// wrapper has Raw, as the wrappers of drivers do.
type wrapper struct{ driver.Conn }

func (w wrapper) Raw() driver.Conn { return w.Conn }

func TestAnAbilityIsFoundBelowWrappers(t *testing.T) {
	inner := &legacy{minimal{journal: &journal{}}}
	var c driver.Conn = inner
	for range maxWrappers - 1 {
		c = wrapper{c}
	}
	//lint:ignore SA1019 a driver may still have only this
	if _, ok := Find[driver.Execer](c); !ok || Unwrap(c) != driver.Conn(inner) {
		t.Errorf("not found below %d wrappers", maxWrappers-1)
	}
	if _, ok := Find[driver.Pinger](c); ok {
		t.Error("found what is not there")
	}
	var circle ring
	circle.next = &circle
	if _, ok := Find[driver.Pinger](&circle); ok || Unwrap(&circle) == nil {
		t.Error("a connection that returns itself")
	}
}

type ring struct {
	minimal
	next driver.Conn
}

func (r *ring) Raw() driver.Conn { return r.next }
