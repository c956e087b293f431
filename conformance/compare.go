package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
)

// compare plays a scenario through package sql alone and through the pool: the
// two transcripts must be the same, line by line.
func (x *trial) compare(scenario func(r *transcript, db *sql.DB)) {
	x.compareOn(x.plain(), x.open(Settings{}).DB, scenario)
}

func (x *trial) compareOn(plain, pooled *sql.DB, scenario func(r *transcript, db *sql.DB)) {
	want, got := &transcript{x: x}, &transcript{x: x}
	scenario(want, plain)
	scenario(got, pooled)
	x.same(want, got)
}

// same fails the check for each line in which two transcripts differ.
func (x *trial) same(want, got *transcript) {
	for i := range max(len(want.lines), len(got.lines)) {
		if w, g := want.line(i), got.line(i); w != g {
			x.errorf("database/sql alone says\n  %s\nthrough the pool it is\n  %s", w, g)
		}
	}
}

// transcript is what an application saw, a line for each thing it could tell
// apart.
type transcript struct {
	x     *trial
	lines []string
	hide  []string // names that differ from side to side
}

func (r *transcript) line(i int) string {
	if i < len(r.lines) {
		return r.lines[i]
	}
	return "(nothing)"
}

func (r *transcript) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	for _, name := range r.hide {
		line = strings.ReplaceAll(line, name, "{t}")
		if schema, _, qualified := strings.Cut(name, "."); qualified {
			line = strings.ReplaceAll(line, schema, "{s}")
		}
	}
	r.lines = append(r.lines, line)
}

// err notes everything that an application can find out about an error.
func (r *transcript) err(what string, err error) {
	if err == nil {
		r.note("%s: no error", what)
		return
	}
	r.note("%s: %s %q, which is %s", what, types(err), err.Error(), kinds(err))
}

// types is the chain of an error's types, outermost first.
func types(err error) string {
	name := fmt.Sprintf("%T", err)
	switch u := err.(type) { //nolint:errorlint // link by link is the point
	case interface{ Unwrap() error }:
		if inner := u.Unwrap(); inner != nil {
			name += "(" + types(inner) + ")"
		}
	case interface{ Unwrap() []error }:
		for _, inner := range u.Unwrap() {
			name += "(" + types(inner) + ")"
		}
	}
	return name
}

// kinds is what the errors that applications test for make of an error.
func kinds(err error) string {
	if err == nil {
		return "no error"
	}
	var found []string
	for _, known := range []error{
		sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn, driver.ErrSkip,
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, known) {
			found = append(found, known.Error())
		}
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		found = append(found, "SQLSTATE "+state.SQLState())
	}
	if found == nil {
		return "no error of package sql's"
	}
	return strings.Join(found, " and ")
}

// rows notes a query's whole answer.
func (r *transcript) rows(what string, rows *sql.Rows, err error) {
	if err != nil {
		r.err(what, err)
		return
	}
	defer rows.Close()
	for set := 1; ; set++ {
		columns, err := rows.Columns()
		r.err(what+": columns", err)
		r.note("%s: set %d: columns %q", what, set, columns)
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			r.err(what+": scan", rows.Scan(into...))
			for i, v := range values {
				r.note("%s: %s = %s", what, columns[i], told(v))
			}
		}
		r.err(what+": end", rows.Err())
		if !rows.NextResultSet() {
			break
		}
	}
	r.err(what+": close", rows.Close())
}

// result notes a sql.Result.
func (r *transcript) result(what string, result sql.Result, err error) {
	r.err(what, err)
	if err != nil {
		return
	}
	n, err := result.RowsAffected()
	r.note("%s: %d rows affected", what, n)
	r.err(what+": rows affected", err)
	id, err := result.LastInsertId()
	if n > 0 { // else it is that of an earlier statement of the connection, whichever that was
		r.note("%s: last insert id %d", what, id)
	}
	r.err(what+": last insert id", err)
}
