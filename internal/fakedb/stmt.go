package fakedb

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"
)

// Stmt is a prepared statement.
type Stmt struct {
	c               *Conn
	text            string
	dropped, schema int64 // of the connection and the server when it was prepared
	closed          atomic.Bool
}

func (c *Conn) prepare(ctx context.Context, text string) (*Stmt, error) {
	err := c.do(ctx, Prepare, text, nil, func() error {
		if c.status.Load() == 'E' {
			return errTxFailed
		}
		c.db.mu.Lock()
		c.db.prepares[prepared{c.id, text}]++
		c.db.mu.Unlock()
		c.stmts.Add(1)
		return nil
	})
	if err != nil {
		return nil, err // a statement whose reply is lost stays open on the server, as in life
	}
	return &Stmt{c: c, text: text, dropped: c.dropped.Load(), schema: c.db.schema.Load()}, nil
}

// Text is the statement's text.
func (s *Stmt) Text() string { return s.text }

// NumInput is the number of question marks in the text, or -1 (not checked) if it has none.
func (s *Stmt) NumInput() int {
	if n := strings.Count(s.text, "?"); n > 0 {
		return n
	}
	return -1
}

// ExecContext implements driver.StmtExecContext.
func (s *Stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	err := s.c.do(ctx, StmtExec, s.text, args, func() error {
		if err := s.usable(); err != nil {
			return err
		}
		return s.c.exec(ctx, s.text, args)
	})
	if err != nil {
		return nil, err
	}
	return resultOf(s.text), nil
}

// QueryContext implements driver.StmtQueryContext.
func (s *Stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.queryAt(ctx, StmtQuery, s.text, args, s)
}

// Exec implements driver.Stmt.
func (s *Stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(bg, named(args))
}

// Query implements driver.Stmt.
func (s *Stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(bg, named(args))
}

// Close closes the statement. It may be called again.
func (s *Stmt) Close() error {
	return s.c.do(bg, StmtClose, "", nil, func() error {
		if s.closed.CompareAndSwap(false, true) {
			s.c.stmts.Add(-1)
		}
		return nil
	})
}

// usable says whether the server still knows the statement.
func (s *Stmt) usable() error {
	switch {
	case s.closed.Load():
		s.c.db.violation("conn %d: statement %q used after its Close", s.c.id, s.text)
		return errNoStmt
	case s.dropped != s.c.dropped.Load():
		return errNoStmt
	case s.schema != s.c.db.schema.Load():
		return errStale
	}
	return nil
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}
