package libpq

import (
	"context"
	"database/sql/driver"
)

// tx is lib/pq's transaction under the connection's guard. What ends it has no
// context of its own: lib/pq ends it with BeginTx's.
type tx struct {
	conn  *conn
	inner driver.Tx
}

// Commit implements driver.Tx.
func (t *tx) Commit() error { return t.finish(t.inner.Commit, t.conn.end) }

// Rollback implements driver.Tx. Its success stands: what was rolled back has the
// outcome that its caller asked for.
func (t *tx) Rollback() error { return t.finish(t.inner.Rollback, t.conn.reason) }

func (t *tx) finish(end func() error, judge func(error) error) error {
	c := t.conn
	if err := c.begin(context.Background(), false); err != nil {
		// Nothing may be sent, but lib/pq must stop to watch BeginTx's context.
		c.wire.Hold(func() { _ = end() })
		return err
	}
	err := end()
	c.inside = false
	err = judge(err)
	c.guard.rest()
	return err
}
