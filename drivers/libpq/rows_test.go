package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// While rows are open a call is refused, and what guards the rows stays theirs.
func TestACallWhileRowsAreOpenIsRefusedAndTheRowsGoOn(t *testing.T) {
	background := context.Background()
	one := []driver.NamedValue{{Ordinal: 1, Value: int64(1)}}
	for name, query := range map[string]func(c *conn, ctx context.Context) (driver.Rows, error){
		"of a text": func(c *conn, ctx context.Context) (driver.Rows, error) {
			return c.QueryContext(ctx, "SELECT generate_series(1, 3)", nil)
		},
		"of a statement": func(c *conn, ctx context.Context) (driver.Rows, error) {
			st, err := c.Prepare("SELECT generate_series(1, 2 + $1::int)")
			if err != nil {
				return nil, err
			}
			return st.(driver.StmtQueryContext).QueryContext(ctx, one)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := adapter(t, pgserver.DSN(t))
			other, err := c.Prepare("SELECT $1::int")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			rows, err := query(c, ctx)
			if err != nil {
				t.Fatal(err)
			}
			guarded := c.guard.guarded
			if _, err := c.ExecContext(background, "SELECT $1::int", one); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("exec: %v", err)
			}
			if _, err := c.QueryContext(background, "SELECT 1", nil); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("query: %v", err)
			}
			if err := other.Close(); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("the closing of a statement: %v", err)
			}
			if !c.IsValid() {
				t.Fatal("the connection is lost")
			}
			if now := c.guard.guarded; now.number != guarded.number || now.ctx != ctx {
				t.Error("the rows have lost their guard")
			}
			dest, n := make([]driver.Value, 1), 0
			for err = rows.Next(dest); err == nil; err = rows.Next(dest) {
				n++
			}
			if err != io.EOF || n != 3 {
				t.Errorf("%d rows, then %v", n, err)
			}
			if err := errors.Join(rows.Close(), other.Close()); err != nil {
				t.Error(err)
			}
			if _, err := c.ExecContext(background, "SELECT $1::int", one); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// A BEGIN is held back only while no rows are open: else its answer would be taken for
// theirs, or the other way round.
func TestNoBeginIsHeldWhileRowsAreOpen(t *testing.T) {
	ctx := context.Background()
	c := adapter(t, pgserver.DSN(t))
	if c.HoldBegin() == nil {
		t.Fatal("BEGIN cannot be held")
	}
	if err := c.Ping(ctx); err != nil { // else the connection has answered nothing yet
		t.Fatal(err)
	}
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil || !c.lazy.Held() {
		t.Fatalf("without rows: %v, held %v", err, c.lazy.Held())
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	rows, err := c.QueryContext(ctx, "SELECT generate_series(1, 3)", nil)
	if err != nil {
		t.Fatal(err)
	}
	sent := c.Sent()
	_, err = c.BeginTx(ctx, driver.TxOptions{}) // lib/pq reads the rows in place of its answer
	if err == nil || c.lazy.Held() || c.Sent() == sent {
		t.Errorf("with rows open: %v, held %v, %d bytes were sent", err, c.lazy.Held(), c.Sent()-sent)
	}
	_ = rows.Close()
}
