//go:build unix

package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"
)

// writer is one caller.
type writer struct {
	db       *sql.DB
	stmt     *sql.Stmt
	book     *Book
	rng      *rand.Rand
	deadline time.Duration
}

const insert = "INSERT INTO ledger (token) VALUES ($1)"

// ways are how a program may write a token.
var ways = []func(w *writer, ctx context.Context, token int64) error{
	(*writer).exec, (*writer).execText, (*writer).query, (*writer).prepared, (*writer).inTx, (*writer).onConn,
}

// write writes a new token in one of the ways. One in eight callers gives up at
// a random moment; the others keep to the deadline.
func (w *writer) write() {
	token := w.book.Token()
	ctx, cancel := context.WithTimeout(context.Background(), w.deadline)
	defer cancel()
	if w.rng.IntN(8) == 0 {
		stop := time.AfterFunc(time.Duration(w.rng.Int64N(int64(w.deadline)/20)), cancel)
		defer stop.Stop()
	}
	w.book.Record(token, ways[w.rng.IntN(len(ways))](w, ctx, token))
}

func (w *writer) exec(ctx context.Context, token int64) error {
	_, err := w.db.ExecContext(ctx, insert, token)
	return err
}

func (w *writer) execText(ctx context.Context, token int64) error {
	_, err := w.db.ExecContext(ctx, fmt.Sprintf("INSERT INTO ledger (token) VALUES (%d)", token))
	return err
}

func (w *writer) query(ctx context.Context, token int64) error {
	return w.db.QueryRowContext(ctx, insert+" RETURNING token", token).Scan(&token)
}

func (w *writer) prepared(ctx context.Context, token int64) error {
	_, err := w.stmt.ExecContext(ctx, token)
	return err
}

// inTx writes in a transaction. Until COMMIT is sent nothing is written, so
// every error before it is one that rules the write out.
func (w *writer) inTx(ctx context.Context, token int64) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return &uncommitted{err}
	}
	defer tx.Rollback()
	if _, err := tx.StmtContext(ctx, w.stmt).ExecContext(ctx, token); err != nil {
		return &uncommitted{err}
	}
	if w.rng.IntN(8) == 0 {
		if err := tx.Rollback(); err != nil {
			return &uncommitted{err}
		}
		return &uncommitted{errChanged}
	}
	return tx.Commit()
}

// onConn writes on a connection that is held for more than one statement.
func (w *writer) onConn(ctx context.Context, token int64) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return &uncommitted{err}
	}
	defer conn.Close()
	var one int
	if err := conn.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return &uncommitted{err}
	}
	_, err = conn.ExecContext(ctx, insert, token)
	return err
}

var errChanged = fmt.Errorf("ledger: the caller changed its mind")

// uncommitted is an error before anything could have been written for good.
type uncommitted struct{ err error }

// Error implements error.
func (e *uncommitted) Error() string { return e.err.Error() }

// Unwrap leads to what went wrong.
func (e *uncommitted) Unwrap() error { return e.err }

// SafeToRetry implements what Judge asks for.
func (e *uncommitted) SafeToRetry() bool { return true }
