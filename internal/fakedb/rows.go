package fakedb

import (
	"context"
	"database/sql/driver"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
)

// Rows is an answer. It has an optional interface or two, so that a test can see whether a pool hides them.
type Rows struct {
	c      *Conn
	ctx    context.Context // the query's: it ends a hanging Next
	sets   [][][]driver.Value
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

// answer makes the rows of one statement; those that are no question have none.
func (c *Conn) answer(text string, args []driver.NamedValue) [][]driver.Value {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToUpper(word) {
	case "SHOW":
		c.mu.Lock()
		defer c.mu.Unlock()
		return [][]driver.Value{{c.vars[rest]}}
	case "SERIES":
		n, _ := strconv.ParseInt(rest, 10, 64)
		set := make([][]driver.Value, 0, n)
		for i := range n {
			set = append(set, []driver.Value{i + 1})
		}
		return set
	case "SELECT":
		if rest == "pid" {
			return [][]driver.Value{{c.id}}
		}
		if len(args) > 0 {
			row := make([]driver.Value, len(args))
			for i, a := range args {
				row[i] = a.Value
			}
			return [][]driver.Value{row}
		}
		if n, err := strconv.ParseInt(rest, 10, 64); err == nil {
			return [][]driver.Value{{n}}
		}
		return [][]driver.Value{{rest}}
	}
	return nil
}

// Columns implements driver.Rows.
func (r *Rows) Columns() []string {
	n := 1
	if len(r.sets[0]) > 0 {
		n = len(r.sets[0][0])
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
		if r.next >= len(r.sets[0]) {
			return io.EOF
		}
		copy(dest, r.sets[0][r.next])
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
