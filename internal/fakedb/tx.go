package fakedb

import "context"

type tx struct {
	c   *Conn
	ctx context.Context // BeginTx's
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	return t.c.do(t.ctx, Commit, "COMMIT", nil, func() error {
		failed := t.c.status.Load() == 'E'
		t.c.end(!failed)
		if failed {
			return errTxFailed
		}
		return nil
	})
}

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	return t.c.do(t.ctx, Rollback, "ROLLBACK", nil, func() error {
		t.c.end(false)
		return nil
	})
}
