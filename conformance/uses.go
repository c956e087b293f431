package conformance

import "database/sql"

// A use borrows a connection once.
type use struct {
	what string
	do   func(*sql.DB)
}

// uses are the ways in which package sql borrows a connection and gives it back.
func (x *trial) uses() []use {
	one := x.target.Dialect.One
	tx := func(between func(*sql.Tx), end func(*sql.Tx) error) func(*sql.DB) {
		return func(db *sql.DB) {
			tx, err := db.BeginTx(x.ctx, nil)
			x.must("Begin", err)
			between(tx)
			x.must("its end", end(tx))
		}
	}
	works := func(tx *sql.Tx) { x.use("in a transaction", tx) }
	all := []use{
		{"Exec", func(db *sql.DB) { x.use("Exec", db) }},
		{"QueryRow", func(db *sql.DB) {
			var n int
			x.must("QueryRow", db.QueryRowContext(x.ctx, one).Scan(&n))
		}},
		{"Query", func(db *sql.DB) {
			rows, err := db.QueryContext(x.ctx, one) //nolint:rowserrcheck // no row is read
			x.must("Query", err)
			x.must("closing rows at once", rows.Close())
		}},
		{"a transaction that commits", tx(works, (*sql.Tx).Commit)},
		{"a transaction that rolls back", tx(works, (*sql.Tx).Rollback)},
		{"an empty transaction", tx(func(*sql.Tx) {}, (*sql.Tx).Commit)},
		{"a Conn", func(db *sql.DB) {
			conn, err := db.Conn(x.ctx)
			x.must("Conn", err)
			for range 3 {
				x.use("on a Conn", conn)
			}
			x.must("closing a Conn", conn.Close())
		}},
		{"a transaction of a Conn", func(db *sql.DB) {
			conn, err := db.Conn(x.ctx)
			x.must("Conn", err)
			tx, err := conn.BeginTx(x.ctx, nil)
			x.must("Begin on a Conn", err)
			works(tx)
			x.must("Commit", tx.Commit())
			x.must("closing a Conn", conn.Close())
		}},
		{"Ping", func(db *sql.DB) { x.must("Ping", db.PingContext(x.ctx)) }},
	}
	if fail := x.target.Dialect.Fail; fail != "" {
		fails := func(q querier) {
			if _, err := q.ExecContext(x.ctx, fail); err == nil {
				x.fatalf("%s succeeds", fail)
			}
		}
		all = append(all,
			use{"a statement that fails", func(db *sql.DB) { fails(db) }},
			use{"a transaction in which a statement fails", tx(func(tx *sql.Tx) {
				fails(tx)
				_ = tx.Rollback()
			}, func(*sql.Tx) error { return nil })})
	}
	return all
}
