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
func (t *tx) Commit() error { return t.finish(t.inner.Commit) }

// Rollback implements driver.Tx.
func (t *tx) Rollback() error { return t.finish(t.inner.Rollback) }

func (t *tx) finish(end func() error) error {
	if err := t.conn.begin(context.Background(), false); err != nil {
		return err
	}
	err := end()
	t.conn.guard.afterTx()
	return t.conn.end(err)
}
