package fakedb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Rows is an answer. It has an optional interface or two, so that a test can see whether a pool hides them.
type Rows struct {
	c      *Conn
	ctx    context.Context // the query's: it ends a hanging Next
	sets   []set
	next   int
	closed atomic.Bool
}

// queryAt serves Query and StmtQuery; s is nil for the first.
func (c *Conn) queryAt(
	ctx context.Context, p Point, text string, args []driver.NamedValue, s *Stmt,
) (driver.Rows, error) {
	r := &Rows{c: c, ctx: ctx}
	err := c.do(ctx, p, text, args, func() (err error) {
		if s != nil {
			if err := s.usable(); err != nil {
				return err
			}
		}
		for part := range strings.SplitSeq(text, ";") {
			part = strings.TrimSpace(part)
			if err = c.exec(ctx, part, args); err != nil {
				return err
			}
			r.sets = append(r.sets, c.answer(part, args))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.rows.Add(1)
	return r, nil
}

// set is one result set.
type set struct {
	columns []string // nil: as many as a row has, each called ?column?
	rows    [][]driver.Value
}

// answer makes the rows of one statement; those that are no question have none.
func (c *Conn) answer(text string, args []driver.NamedValue) set {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToUpper(word) {
	case "SHOW":
		c.mu.Lock()
		defer c.mu.Unlock()
		return oneRow(c.vars[rest])
	case "SERIES":
		n, _ := strconv.ParseInt(rest, 10, 64)
		s := set{rows: make([][]driver.Value, 0, n)}
		for i := range n {
			s.rows = append(s.rows, []driver.Value{i + 1})
		}
		return s
	case "BULK":
		var n, size int
		_, _ = fmt.Sscan(rest, &n, &size)
		var s set
		for i := range n {
			s.rows = append(s.rows, []driver.Value{strings.Repeat(string(rune('A'+i%26)), size)})
		}
		return s
	case "INSERT":
		if strings.HasSuffix(rest, "RETURNING") {
			return valuesOf(args)
		}
	case "COLUMNS":
		n, _ := strconv.Atoi(rest)
		return columns(n)
	case "SELECT":
		if rest == "pid" {
			return oneRow(c.id)
		}
		if asksPosition(rest) {
			return oneRow(c.db.position())
		}
		if len(args) > 0 {
			return valuesOf(args)
		}
		if n, err := strconv.ParseInt(rest, 10, 64); err == nil {
			return oneRow(n)
		}
		return oneRow(rest)
	}
	return set{}
}

func valuesOf(args []driver.NamedValue) set {
	row := make([]driver.Value, len(args))
	for i, a := range args {
		row[i] = a.Value
	}
	return oneRow(row...)
}

func oneRow(values ...driver.Value) set { return set{rows: [][]driver.Value{values}} }

// columns makes a row of that many columns, of every type in turn.
func columns(n int) set {
	types := []driver.Value{
		int64(1)<<53 + 1, "text", nil, 2.5, true, []byte{0, 255}, "", []byte{}, int64(-7), false,
		time.Date(2001, 2, 3, 4, 5, 6, 789_012_000, time.FixedZone("", 5400)),
	}
	s := set{rows: [][]driver.Value{{}}}
	for i := range n {
		s.columns = append(s.columns, fmt.Sprintf("C%d", i%(n/2+1))) // some names twice
		s.rows[0] = append(s.rows[0], types[i%len(types)])
	}
	return s
}

// Columns implements driver.Rows.
func (r *Rows) Columns() []string {
	if r.sets[0].columns != nil {
		return slices.Clone(r.sets[0].columns)
	}
	n := 1
	if len(r.sets[0].rows) > 0 {
		n = len(r.sets[0].rows[0])
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "?column?"
	}
	return names
}

// Next implements driver.Rows.
func (r *Rows) Next(dest []driver.Value) error {
	return r.c.do(r.ctx, RowsNext, "", nil, func() error {
		if r.next >= len(r.sets[0].rows) {
			return io.EOF
		}
		copy(dest, r.sets[0].rows[r.next])
		r.next++
		return nil
	})
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *Rows) HasNextResultSet() bool { return len(r.sets) > 1 }

// NextResultSet implements driver.RowsNextResultSet.
func (r *Rows) NextResultSet() error {
	if !r.HasNextResultSet() {
		return io.EOF
	}
	r.sets, r.next = r.sets[1:], 0
	return nil
}

// ColumnTypeDatabaseTypeName is FAKE for every column.
func (r *Rows) ColumnTypeDatabaseTypeName(int) string { return "FAKE" }

// Close closes the rows. It may be called again, and after the connection's Close.
func (r *Rows) Close() error {
	if !r.closed.CompareAndSwap(false, true) {
		return nil
	}
	r.c.rows.Add(-1)
	if r.c.state.Load() != isOpen {
		return nil
	}
	return r.c.do(bg, RowsClose, "", nil, func() error { return nil })
}
