package conformance

import (
	"context"
	"database/sql"
	"time"
)

// askTwice executes a statement as a query and without an answer.
func (x *trial) askTwice(what string, a asker) {
	rows, err := a.query()
	x.must(what, err)
	x.must(what, readAll(rows))
	_, err = a.exec()
	x.must(what, err)
}

// within calls f with a context that ends.
func (x *trial) within(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(x.ctx, limit)
	defer cancel()
	return f(ctx)
}

// ways are the ways to execute a statement on a *sql.DB.
func (x *trial) ways() map[string]how {
	all := map[string]how{"as text": asText}
	if x.target.lacks(NeedPrepares) == "" {
		all["prepared"] = asStmt
	}
	return all
}

// inTx are ways to execute one statement of a transaction.
func (x *trial) inTx(db *sql.DB) map[string]func(*sql.Tx) {
	all := map[string]func(*sql.Tx){}
	one := x.target.Dialect.One
	for what, how := range x.ways() {
		all["a statement "+what] = func(tx *sql.Tx) {
			x.must(what, how(x.ctx, tx, one, func(a asker) {
				rows, err := a.query()
				x.must(what, err)
				x.must(what, readAll(rows))
			}))
		}
	}
	if x.target.lacks(NeedPrepares) == "" {
		all["a statement of the database's"] = func(tx *sql.Tx) {
			stmt, err := db.PrepareContext(x.ctx, one)
			x.must("Prepare", err)
			defer stmt.Close()
			rows, err := tx.StmtContext(x.ctx, stmt).QueryContext(x.ctx)
			x.must("Tx.Stmt", err)
			x.must("Tx.Stmt", readAll(rows))
		}
	}
	return all
}

// readOnly checks what the server says of a transaction that was begun as read-only.
func (x *trial) readOnly(tx *sql.Tx) {
	ask := x.target.Dialect.TxInfo
	if ask == "" {
		return
	}
	var isolation, readOnly string
	x.must("asking for the transaction", tx.QueryRowContext(x.ctx, ask).Scan(&isolation, &readOnly))
	if readOnly != "on" {
		x.errorf("a read-only transaction is not read-only on the server: %s", readOnly)
	}
}

// alone are the ways in which a program writes one row.
func (l ledger) alone(db *sql.DB) map[string]func(ctx context.Context, token string) error {
	all := map[string]func(context.Context, string) error{
		"a transaction": func(ctx context.Context, token string) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() // after a Commit it does nothing
			if err := l.write(ctx, tx, "Exec", token); err != nil {
				return err
			}
			return tx.Commit()
		},
		"a Conn's statement": func(ctx context.Context, token string) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			return l.write(ctx, conn, "Exec", token)
		},
	}
	for _, how := range l.writings() {
		all[how] = func(ctx context.Context, token string) error { return l.write(ctx, db, how, token) }
	}
	return all
}
