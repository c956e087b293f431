package workload

import "context"

// balance reads one account through a prepared statement.
func (w *worker) balance(ctx context.Context) error {
	w.run.statements.Add(1)
	var balance int64
	err := w.run.statement.balance.QueryRowContext(ctx, w.randomAccount()).Scan(&balance)
	if err == nil {
		w.run.reads.Add(1)
	}
	return err
}

// account reads the last transfers from one account: rows, from a statement given as text.
func (w *worker) account(ctx context.Context) error {
	w.run.statements.Add(1)
	rows, err := w.run.db.QueryContext(ctx, w.run.bank.in(
		"SELECT target, amount FROM bank.transfers WHERE source = $1 ORDER BY at DESC LIMIT 10"), w.randomAccount())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // an error is rows.Err's too
	for rows.Next() {
		var target, amount int64
		if err := rows.Scan(&target, &amount); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.run.reads.Add(1)
	return nil
}

// audit adds up all accounts while money moves. One statement sees one instant, so the sum is always the same.
func (w *worker) audit(ctx context.Context) error {
	w.run.statements.Add(1)
	var sum int64
	if err := w.run.db.QueryRowContext(ctx, w.run.bank.in("SELECT sum(balance) FROM bank.accounts")).Scan(&sum); err != nil {
		return err
	}
	w.run.audits.Add(1)
	if sum != w.run.bank.Total() {
		w.run.wrongSums.Add(1)
	}
	return nil
}
