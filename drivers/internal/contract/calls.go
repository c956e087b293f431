package contract

import (
	"context"
	"database/sql/driver"
	"io"
	"testing"
)

type call func(ctx context.Context) error

// calls returns each kind of call that obeys a context. What they need is
// prepared here, so it takes a server that answers.
func (s *suite) calls(t *testing.T, c Conn) map[string]call {
	t.Helper()
	stmt, err := c.PrepareContext(context.Background(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(r driver.Rows, err error) error {
		if err == nil {
			defer r.Close()
			dest := make([]driver.Value, len(r.Columns()))
			for err == nil {
				err = r.Next(dest)
			}
			if err == io.EOF {
				err = nil
			}
		}
		return err
	}
	arg := []driver.NamedValue{{Ordinal: 1, Value: int64(1)}}
	return map[string]call{
		"exec": func(ctx context.Context) error {
			_, err := c.ExecContext(ctx, "SELECT 1", nil)
			return err
		},
		"exec with an argument": func(ctx context.Context) error {
			_, err := c.ExecContext(ctx, "SELECT $1::int8", arg)
			return err
		},
		"query": func(ctx context.Context) error {
			return rows(c.QueryContext(ctx, "SELECT 1", nil))
		},
		"query with an argument": func(ctx context.Context) error {
			return rows(c.QueryContext(ctx, "SELECT $1::int8", arg))
		},
		"prepared exec": func(ctx context.Context) error {
			_, err := stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
			return err
		},
		"prepared query": func(ctx context.Context) error {
			return rows(stmt.(driver.StmtQueryContext).QueryContext(ctx, nil))
		},
		"prepare": func(ctx context.Context) error {
			_, err := c.PrepareContext(ctx, "SELECT 2")
			return err
		},
		"begin": func(ctx context.Context) error { // it may wait for the first statement
			_, err := c.BeginTx(ctx, driver.TxOptions{})
			if err == nil {
				_, err = c.ExecContext(ctx, "SELECT 1", nil)
			}
			return err
		},
		"ping": c.Ping,
	}
}

// callNames are the keys of calls, and the cases of the tests below.
var callNames = []string{
	"exec", "exec with an argument", "query", "query with an argument",
	"prepared exec", "prepared query", "prepare", "begin", "ping",
}
