package workload

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

const (
	// anywhere is up to when a transfer may be cut off: a few of its round trips, or some of its wait in the queue.
	anywhere = 5 * time.Millisecond

	// patience is how much a slow query is given of the time that it wants.
	patience = 20 * time.Millisecond
)

// slowQuery takes less than the half second for which the pool holds a closing connection's slot. A cancel request that
// overtakes its query is ignored by the server, which then works to the end: with a longer query it could rightly be
// seen with one backend more than the pool's connections.
const slowQuery = "SELECT pg_sleep(0.3)"

var errNotCancelled = errors.New("a cancelled context had no effect")

// cancelIdle cancels a transaction between two statements, as a handler does whose client has hung up. COMMIT is never
// sent, so the transfer must not happen; and the connection need not be lost.
func (w *worker) cancelIdle(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	token := w.run.book.Token()
	w.run.book.Note(token, ledger.Failed)
	tx, err := w.run.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // database/sql's own may be under way
	source, target := w.pair()
	if err := w.log(ctx, tx, token, source, target, 1); err != nil {
		return err
	}
	cancel()
	if err := tx.Commit(); err != nil {
		return planned(ctx, err)
	}
	return errNotCancelled
}

// cancelAnywhere cuts a transfer off at any moment: in the queue, in a statement, in COMMIT. Then the client cannot
// know whether it happened. It must not have happened by half, or twice.
func (w *worker) cancelAnywhere(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(w.random.Int64N(int64(anywhere))))
	defer cancel()
	return planned(ctx, w.transfer(ctx))
}

// cancelSlow gives up on a query that takes too long: the driver ends the connection, the pool dials another.
func (w *worker) cancelSlow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w.run.statements.Add(1)
	if _, err := w.run.db.ExecContext(ctx, slowQuery); err != nil {
		return planned(ctx, err)
	}
	return errNotCancelled
}

// plannedError is the error of an operation that was meant to be cancelled.
type plannedError struct{ error }

// Unwrap leads to what the driver said.
func (e *plannedError) Unwrap() error { return e.error }

// planned marks the error if it is what follows from the end of ctx: the context's own error, the server's confirmation
// of a cancelled query (57014), or a transaction that database/sql has rolled back for it.
func planned(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || isBadConn(err) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, sql.ErrTxDone) || sqlState(err) == "57014" {
		return &plannedError{err}
	}
	return err
}
