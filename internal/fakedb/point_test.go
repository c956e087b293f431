package fakedb_test

import (
	"database/sql/driver"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

// TestEveryPointCanBeScripted makes each method fail once through its rule.
func TestEveryPointCanBeScripted(t *testing.T) {
	calls := map[fakedb.Point]func(*fakedb.Conn) error{
		fakedb.Ping:            func(c *fakedb.Conn) error { return c.Ping(t.Context()) },
		fakedb.CheckNamedValue: func(c *fakedb.Conn) error { return c.CheckNamedValue(&driver.NamedValue{}) },
		fakedb.Prepare:         func(c *fakedb.Conn) error { _, err := c.Prepare(""); return err },
		fakedb.Exec:            func(c *fakedb.Conn) error { return exec(t.Context(), c, "") },
		fakedb.Query:           func(c *fakedb.Conn) error { _, err := c.QueryContext(t.Context(), "", nil); return err },
		fakedb.RowsNext: func(c *fakedb.Conn) error {
			rows, _ := c.QueryContext(t.Context(), "SELECT 1", nil)
			return rows.Next(make([]driver.Value, 1))
		},
		fakedb.RowsClose: func(c *fakedb.Conn) error {
			rows, _ := c.QueryContext(t.Context(), "SELECT 1", nil)
			return rows.Close()
		},
		fakedb.StmtExec: func(c *fakedb.Conn) error {
			s, _ := c.Prepare("")
			_, err := s.Exec(nil) // the deprecated way ends in the same place
			return err
		},
		fakedb.StmtQuery: func(c *fakedb.Conn) error {
			s, _ := c.Prepare("")
			_, err := s.Query(nil) // the deprecated way ends in the same place
			return err
		},
		fakedb.StmtClose: func(c *fakedb.Conn) error { s, _ := c.Prepare(""); return s.Close() },
		fakedb.BeginTx:   func(c *fakedb.Conn) error { _, err := c.BeginTx(t.Context(), driver.TxOptions{}); return err },
		fakedb.Commit: func(c *fakedb.Conn) error {
			tx, _ := c.BeginTx(t.Context(), driver.TxOptions{})
			return tx.Commit()
		},
		fakedb.Rollback: func(c *fakedb.Conn) error {
			tx, _ := c.BeginTx(t.Context(), driver.TxOptions{})
			return tx.Rollback()
		},
		fakedb.ResetSession: func(c *fakedb.Conn) error { return c.ResetSession(t.Context()) },
		fakedb.IsValid: func(c *fakedb.Conn) error {
			if !c.IsValid() {
				return errRefused
			}
			return nil
		},
		fakedb.Alive: func(c *fakedb.Conn) error { return c.Alive() },
		fakedb.Abort: func(c *fakedb.Conn) error { return c.Abort() },
		fakedb.Close: func(c *fakedb.Conn) error { return c.Close() },
	}
	for p := fakedb.Ping; p <= fakedb.Close; p++ {
		call := calls[p]
		if call == nil {
			t.Fatalf("nothing calls %v", p)
		}
		db := fakedb.New()
		c := connect(t, db)
		rule := db.On(p, fakedb.Fault{Times: 1, Err: errRefused})
		if err := call(c); err != errRefused || rule.Hits() != 1 {
			t.Errorf("%v: error %v, %d hits", p, err, rule.Hits())
		}
		clean(t, db)
	}
}
