package mockpool

import (
	"database/sql/driver"
	"io"
)

// What is called on a connection that is not lent comes from the pool
// or from a hook: a ping to see whether it is alive, SET after a dial, DISCARD
// ALL between two loans. The test did not ask for it, so it succeeds without
// the mock's knowledge.

func unlentExec() (driver.Result, error) { return driver.RowsAffected(0), nil }

func unlentQuery() (driver.Rows, error) { return noRows{}, nil }

// noRows implements driver.Rows: no column, no row.
type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

// unlentTx implements driver.Tx.
type unlentTx struct{}

func (unlentTx) Commit() error   { return nil }
func (unlentTx) Rollback() error { return nil }
