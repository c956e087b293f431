package conformance

import (
	"context"
	"database/sql"
	"errors"
)

// transactionRules: *sql.Tx.
var transactionRules = []Rule{
	{
		ID:     "SQL-19",
		Rule:   "what a transaction wrote is there after Commit and not after Rollback",
		Why:    "it is what transactions are for",
		Source: "database/sql: Tx.Commit, Tx.Rollback",
		needs:  []Need{NeedLedger},
		check: func(x *trial) {
			db, l := x.open(Settings{}).DB, x.ledger()
			for i, commits := range []bool{true, false, true, false} {
				token := l.token(i)
				tx, err := db.BeginTx(x.ctx, nil)
				x.must("Begin", err)
				_, err = tx.ExecContext(x.ctx, l.insert, token)
				x.must("an insert", err)
				end, want := tx.Rollback, 0
				if commits {
					end, want = tx.Commit, 1
				}
				x.must("the end of the transaction", end())
				if n := l.written(token); n != want {
					x.errorf("transaction %d (commits: %v): the row is there %d times", i, commits, n)
				}
			}
		},
	},
	{
		ID:     "SQL-20",
		Rule:   "a transaction in which a statement failed says the same to what follows, Commit included",
		Why:    "a Commit that hides a failed transaction loses writes silently",
		Source: "database/sql: Tx",
		needs:  []Need{NeedFail},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, how := range []struct {
					what string
					end  func(*sql.Tx) error
				}{{"Commit", (*sql.Tx).Commit}, {"Rollback", (*sql.Tx).Rollback}} {
					what, end := how.what, how.end
					tx, err := db.BeginTx(x.ctx, nil)
					r.err(what+": Begin", err)
					_, err = tx.ExecContext(x.ctx, x.target.Dialect.Fail)
					r.err(what+": what fails", err)
					_, err = tx.ExecContext(x.ctx, x.target.Dialect.One)
					r.err(what+": the next", err)
					r.err(what, end(tx))
					r.err(what+" again", end(tx))
				}
				_, err := db.ExecContext(x.ctx, x.target.Dialect.One)
				r.err("after it", err)
			})
		},
	},
	{
		ID:     "SQL-21",
		Rule:   "isolation levels and read-only are passed to the driver, and refused with the same errors",
		Why:    "a transaction that silently is not serializable is wrong on the day it matters",
		Source: "database/sql/driver: ConnBeginTx, TxOptions",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for level := sql.LevelDefault; level <= sql.LevelLinearizable; level++ {
					for _, readOnly := range []bool{false, true} {
						tx, err := db.BeginTx(x.ctx, &sql.TxOptions{Isolation: level, ReadOnly: readOnly})
						r.err("Begin "+level.String(), err)
						if err != nil {
							continue
						}
						if ask := x.target.Dialect.TxInfo; ask != "" {
							rows, err := tx.QueryContext(x.ctx, ask)
							r.rows(level.String(), rows, err)
						}
						r.err("Commit "+level.String(), tx.Commit())
					}
				}
			})
		},
	},
	{
		ID:     "SQL-22",
		Rule:   "a transaction whose context is cancelled is rolled back, and its Commit fails",
		Why:    "half of a request's writes would stay",
		Source: "database/sql: DB.BeginTx",
		needs:  []Need{NeedLedger},
		check: func(x *trial) {
			s, l := x.open(Settings{MaxConns: 1}), x.ledger()
			ctx, cancel := context.WithCancel(x.ctx)
			tx, err := s.DB.BeginTx(ctx, nil)
			x.must("Begin", err)
			_, err = tx.ExecContext(x.ctx, l.insert, l.tokenOf("cancelled"))
			x.must("an insert", err)
			cancel()
			if err := tx.Commit(); !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrTxDone) {
				x.errorf("Commit after the cancel: %v", err)
			}
			// The next borrower of the only connection comes after the rollback.
			_, err = s.DB.ExecContext(x.ctx, l.insert, l.tokenOf("next"))
			x.must("the next insert", err)
			if n := l.written(l.tokenOf("cancelled")); n != 0 {
				x.errorf("the row of the cancelled transaction is there %d times", n)
			}
			if n := l.written(l.tokenOf("next")); n != 1 {
				x.errorf("the row of the next borrower is there %d times", n)
			}
		},
	},
}
