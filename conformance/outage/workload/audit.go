package workload

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// unexplained counts the accounts whose balance is not the opening one plus what came minus what went.
const unexplained = `
	SELECT count(*) FROM bank.accounts a
	LEFT JOIN (SELECT target AS id, sum(amount) AS amount FROM bank.transfers GROUP BY 1) came USING (id)
	LEFT JOIN (SELECT source AS id, sum(amount) AS amount FROM bank.transfers GROUP BY 1) went USING (id)
	WHERE a.balance <> $1 + coalesce(came.amount, 0) - coalesce(went.amount, 0)`

// Audit compares what the database holds with what the run's callers were told, after Wait. Every check is in the
// result; the error says that the database could not be asked.
func (r *Run) Audit(ctx context.Context, db *sql.DB) (found ledger.Audit, checks []Check, err error) {
	var sum, wrong int64
	if err := db.QueryRowContext(ctx, r.bank.in("SELECT sum(balance) FROM bank.accounts")).Scan(&sum); err != nil {
		return found, nil, fmt.Errorf("adding up the accounts: %w", err)
	}
	if err := db.QueryRowContext(ctx, r.bank.in(unexplained), openingBalance).Scan(&wrong); err != nil {
		return found, nil, fmt.Errorf("comparing the accounts with the log: %w", err)
	}
	logged, err := r.bank.logged(ctx, db)
	if err != nil {
		return found, nil, fmt.Errorf("comparing the log with what callers know: %w", err)
	}
	found = r.book.Audit(logged)
	repeated := map[ledger.Outcome]int{}
	for _, token := range found.Doubled {
		repeated[r.book.Outcome(token)]++
	}
	uninvited := len(found.Ghosts) + len(found.Strange) + repeated[ledger.Failed]
	errors, badConns, first := r.trouble.sum()
	return found, []Check{
		Require("money", "no money was lost or made",
			sum == r.bank.Total(), "the accounts hold %d, at the start it was %d", sum, r.bank.Total()),
		Require("snapshots", "every sum read while money moved was the whole",
			r.wrongSums.Load() == 0, "%d of %d sums were another", r.wrongSums.Load(), r.audits.Load()),
		Require("balances", "the log explains every balance",
			wrong == 0, "%d balances are not what the log makes them", wrong),
		Require("acknowledged", "every acknowledged transfer is in the log exactly once",
			len(found.Lost)+repeated[ledger.Acknowledged] == 0, "%d are missing, %d are there more than once", len(found.Lost), repeated[ledger.Acknowledged]),
		Require("unacknowledged", "an unacknowledged transfer is in the log at most once",
			repeated[ledger.Unknown] == 0, "%d are there more than once", repeated[ledger.Unknown]),
		Require("uncommitted", "a transfer whose COMMIT was not sent is not in the log",
			uninvited == 0, "%d are in the log", uninvited),
		Require("errors", "no error but the planned cancellations",
			errors == 0, "%d errors, the first: %s", errors, first),
		Require("bad-connection", `no caller saw "driver: bad connection"`,
			badConns == 0, "it was seen %d times", badConns),
	}, nil
}

// logged is how often each token is in the log.
func (b *Bank) logged(ctx context.Context, db *sql.DB) (map[int64]int, error) {
	rows, err := db.QueryContext(ctx, b.in("SELECT token, count(*) FROM bank.transfers GROUP BY token"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // an error is rows.Err's too
	logged := map[int64]int{}
	for rows.Next() {
		var token int64
		var times int
		if err := rows.Scan(&token, &times); err != nil {
			return nil, err
		}
		logged[token] = times
	}
	return logged, rows.Err()
}
