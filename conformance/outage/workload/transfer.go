package workload

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// errPoor is a transfer that is rolled back because the account does not hold enough.
var errPoor = errors.New("the account does not hold enough")

// transfer moves an amount between two accounts and logs it, in one transaction. What its caller knows afterwards goes
// into the book, whatever happens.
func (w *worker) transfer(ctx context.Context) error {
	token := w.run.book.Token()
	err := w.move(ctx, token)
	w.run.book.Record(token, err)
	switch {
	case err == nil:
		w.run.transfers.Add(1)
	case errors.Is(err, errPoor):
		w.run.refused.Add(1)
		return nil
	}
	return err
}

func (w *worker) move(ctx context.Context, token int64) error {
	tx, err := w.run.db.BeginTx(ctx, nil)
	if err != nil {
		return &uncommitted{err}
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := w.fill(ctx, tx, token); err != nil {
		return &uncommitted{err}
	}
	return tx.Commit() // of an error the server may have committed, and the answer be lost
}

func (w *worker) fill(ctx context.Context, tx *sql.Tx, token int64) error {
	source, target := w.pair()
	amount := 1 + w.random.Int64N(openingBalance/10)
	balance, err := w.lock(ctx, tx, source, target)
	if err != nil {
		return err
	}
	if balance < amount {
		if err := tx.Rollback(); err != nil {
			return err
		}
		return errPoor
	}
	if err := w.exec(ctx, tx, w.run.statement.debit, amount, source); err != nil {
		return err
	}
	if err := w.exec(ctx, tx, w.run.statement.credit, amount, target); err != nil {
		return err
	}
	return w.log(ctx, tx, token, source, target, amount)
}

// lock locks both accounts and returns the balance of the source.
func (w *worker) lock(ctx context.Context, tx *sql.Tx, source, target int) (int64, error) {
	w.run.statements.Add(1)
	rows, err := tx.StmtContext(ctx, w.run.statement.lock).QueryContext(ctx, source, target)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // an error is rows.Err's too
	found, balance := 0, int64(0)
	for rows.Next() {
		var id int
		var has int64
		if err := rows.Scan(&id, &has); err != nil {
			return 0, err
		}
		if found++; id == source {
			balance = has
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if found != 2 {
		return 0, fmt.Errorf("locked %d of the accounts %d and %d", found, source, target)
	}
	return balance, nil
}

// exec runs a prepared statement that must change exactly one row.
func (w *worker) exec(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) error {
	w.run.statements.Add(1)
	result, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		err = fmt.Errorf("changed %d rows instead of one", n)
	}
	return err
}

// log is a statement given as text, which most programs have more of than prepared ones.
func (w *worker) log(ctx context.Context, tx *sql.Tx, token int64, source, target int, amount int64) error {
	w.run.statements.Add(1)
	_, err := tx.ExecContext(ctx, w.run.bank.in(
		"INSERT INTO bank.transfers (token, source, target, amount) VALUES ($1, $2, $3, $4)"), token, source, target, amount)
	return err
}

func (w *worker) randomAccount() int { return 1 + w.random.IntN(w.run.bank.accounts) }

// pair returns two different accounts.
func (w *worker) pair() (source, target int) {
	source, target = w.randomAccount(), 1+w.random.IntN(w.run.bank.accounts-1)
	if target >= source {
		target++
	}
	return source, target
}
