package fakedb

import (
	"context"
	"database/sql/driver"
)

// Minimal is the least a driver can be: Prepare, Close and Begin, with statements that know no context.
func Minimal(c *Conn) driver.Conn { return minimalConn{c} }

// Legacy is Minimal with the deprecated driver.Execer and driver.Queryer.
func Legacy(c *Conn) driver.Conn { return legacyConn{minimalConn{c}} }

// Converter is Std with statements that have the deprecated driver.ColumnConverter and no NamedValueChecker on
// connection or statement. It prefixes strings with "column:", so that a test sees who converted.
func Converter(c *Conn) driver.Conn { return converterConn{plain: c, c: c} }

// StmtChecker is Std with statements that have a driver.NamedValueChecker of their own, which goes before the
// connection's. It prefixes strings with "stmt:" and takes a Remove away.
func StmtChecker(c *Conn) driver.Conn { return checkerConn{std: c, c: c} }

type minimalConn struct{ c *Conn }

// Prepare implements driver.Conn.
func (m minimalConn) Prepare(text string) (driver.Stmt, error) {
	s, err := m.c.Prepare(text)
	if err != nil {
		return nil, err
	}
	return struct{ driver.Stmt }{s}, nil
}

// Begin implements driver.Conn.
func (m minimalConn) Begin() (driver.Tx, error) { return m.c.Begin() }

// Close implements driver.Conn.
func (m minimalConn) Close() error { return m.c.Close() }

type legacyConn struct{ minimalConn }

// Exec implements driver.Execer.
func (l legacyConn) Exec(text string, args []driver.Value) (driver.Result, error) {
	return l.c.ExecContext(bg, text, named(args))
}

// Query implements driver.Queryer.
func (l legacyConn) Query(text string, args []driver.Value) (driver.Rows, error) {
	return l.c.QueryContext(bg, text, named(args))
}

// plain is std without the NamedValueChecker and without the short way past Prepare, where a statement's converter
// would have no say.
type plain interface {
	driver.Conn
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type converterConn struct {
	plain
	c *Conn
}

// PrepareContext implements driver.ConnPrepareContext.
func (k converterConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := k.c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return converterStmt{s}, nil
}

// Prepare implements driver.Conn.
func (k converterConn) Prepare(text string) (driver.Stmt, error) { return k.PrepareContext(bg, text) }

type converterStmt struct{ *Stmt }

// ColumnConverter implements driver.ColumnConverter.
func (converterStmt) ColumnConverter(int) driver.ValueConverter { return prefixer("column:") }

type checkerConn struct {
	std
	c *Conn
}

// PrepareContext implements driver.ConnPrepareContext.
func (k checkerConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := k.c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return checkerStmt{s}, nil
}

// Prepare implements driver.Conn.
func (k checkerConn) Prepare(text string) (driver.Stmt, error) { return k.PrepareContext(bg, text) }

type checkerStmt struct{ *Stmt }

// CheckNamedValue implements driver.NamedValueChecker.
func (checkerStmt) CheckNamedValue(v *driver.NamedValue) (err error) {
	if _, ok := v.Value.(Remove); ok {
		return driver.ErrRemoveArgument
	}
	v.Value, err = prefixer("stmt:").ConvertValue(v.Value)
	return err
}

// prefixer converts by the default rules and marks strings.
type prefixer string

// ConvertValue implements driver.ValueConverter.
func (p prefixer) ConvertValue(v any) (driver.Value, error) {
	v, err := driver.DefaultParameterConverter.ConvertValue(v)
	if s, ok := v.(string); ok {
		return string(p) + s, err
	}
	return v, err
}
