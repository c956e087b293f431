package pgxv5

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// With pgconn.CancelRequestContextWatcherHandler pgx sends a cancel request when a
// context ends, and reads on. A success that comes then may be none: a COMMIT, or a
// statement outside a transaction, that waits for a synchronous standby ends that
// wait when it is cancelled, and PostgreSQL reports success with a warning (01000,
// "canceling wait for synchronous replication due to user request"), though a
// failover may lose what was written. So its caller is told of the context's end,
// as with pgx's usual way, which cuts the connection.

// asksFirst reports whether pgx may send a cancel request and use the connection
// further.
func asksFirst(cfg *pgconn.Config, pg *pgconn.PgConn) bool {
	if cfg.BuildContextWatcherHandler == nil {
		return false
	}
	_, cuts := cfg.BuildContextWatcherHandler(pg).(*pgconn.DeadlineContextWatcherHandler)
	return !cuts
}

// doubt returns the error of a call that has succeeded after its cancel request,
// or nil if the success stands: what succeeds inside a transaction has no outcome
// yet.
func (c *conn) doubt(ctx context.Context, asked uint32) error {
	if !c.asks || c.wire.Asked() == asked || c.pg.TxStatus() != 'I' {
		return nil
	}
	end := ctx.Err()
	if end == nil {
		end = context.Canceled
	}
	return fmt.Errorf("pgxv5: the server reported success after it was asked to cancel, so the outcome is unknown: %w", end)
}

// doubtedTx is stdlib's transaction with a Commit that may be in doubt.
type doubtedTx struct {
	driver.Tx
	conn *conn
	ctx  context.Context
}

// Commit implements driver.Tx.
func (t *doubtedTx) Commit() error {
	asked := t.conn.wire.Asked()
	if err := t.Tx.Commit(); err != nil {
		return err
	}
	return t.conn.doubt(t.ctx, asked)
}

// doubtedRows are stdlib's rows whose end may be in doubt.
type doubtedRows struct {
	*stdlib.Rows
	conn  *conn
	ctx   context.Context
	asked uint32
}

// doubtRows returns the rows of a query, or its error if the first of them came after the
// cancel request. database/sql would close such rows itself, since their context has ended,
// and a QueryRow that reads them before that is told nothing of how they ended.
func (c *conn) doubtRows(ctx context.Context, rows driver.Rows, asked uint32) (driver.Rows, error) {
	r, ok := rows.(*stdlib.Rows)
	if !ok || !c.asks {
		return rows, nil
	}
	if doubt := c.doubt(ctx, asked); doubt != nil {
		if err := r.Close(); err != nil {
			return nil, err
		}
		return nil, doubt
	}
	return &doubtedRows{r, c, ctx, asked}, nil
}

// Next implements driver.Rows.
func (r *doubtedRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == io.EOF {
		if doubt := r.conn.doubt(r.ctx, r.asked); doubt != nil {
			return doubt
		}
	}
	return err
}

// Close implements driver.Rows.
func (r *doubtedRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		return err
	}
	return r.conn.doubt(r.ctx, r.asked)
}
