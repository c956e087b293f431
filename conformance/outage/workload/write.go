package workload

import (
	"context"
	"fmt"
)

// note is a transfer of nothing, which explains no balance: all that a plain write leaves is its token.
const note = "INSERT INTO bank.transfers (token, source, target, amount) VALUES ($1, 1, 2, 0)"

// ways are how a program may write something without a transaction of its own.
var ways = []func(w *worker, ctx context.Context, token int64) error{
	(*worker).noteArgs, (*worker).noteText, (*worker).noteQuery, (*worker).notePrepared, (*worker).noteOnConn,
}

// write writes a token in one of the ways.
func (w *worker) write(ctx context.Context) error {
	w.run.statements.Add(1)
	token := w.run.book.Token()
	err := ways[w.random.IntN(len(ways))](w, ctx, token)
	w.run.book.Record(token, err)
	return err
}

func (w *worker) noteArgs(ctx context.Context, token int64) error {
	_, err := w.run.db.ExecContext(ctx, w.run.bank.in(note), token)
	return err
}

func (w *worker) noteText(ctx context.Context, token int64) error {
	_, err := w.run.db.ExecContext(ctx, w.run.bank.in(fmt.Sprintf("INSERT INTO bank.transfers (token, source, target, amount) VALUES (%d, 1, 2, 0)", token)))
	return err
}

func (w *worker) noteQuery(ctx context.Context, token int64) error {
	return w.run.db.QueryRowContext(ctx, w.run.bank.in(note+" RETURNING token"), token).Scan(&token)
}

func (w *worker) notePrepared(ctx context.Context, token int64) error {
	_, err := w.run.statement.note.ExecContext(ctx, token)
	return err
}

// noteOnConn writes on a connection that is held for more than one statement.
func (w *worker) noteOnConn(ctx context.Context, token int64) error {
	conn, err := w.run.db.Conn(ctx)
	if err != nil {
		return &uncommitted{err}
	}
	defer func() { _ = conn.Close() }()
	var one int
	if err := conn.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return &uncommitted{err}
	}
	_, err = conn.ExecContext(ctx, w.run.bank.in(note), token)
	return err
}

// uncommitted is an error before anything could have been written for good.
type uncommitted struct{ error }

// Unwrap leads to what went wrong.
func (e *uncommitted) Unwrap() error { return e.error }

// SafeToRetry implements what ledger.Judge asks for.
func (e *uncommitted) SafeToRetry() bool { return true }
