package conformance

import (
	"database/sql"
	"errors"
	"fmt"
)

// statementRules: *sql.Stmt.
var statementRules = []Rule{
	{
		ID:     "SQL-14",
		Rule:   "a prepared statement gives the same answers and errors at each of its executions",
		Why:    "the statement moves from connection to connection: an answer may not depend on which",
		Source: "database/sql: Stmt",
		needs:  []Need{NeedEcho, NeedFail, NeedPrepares},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				stmt, err := db.PrepareContext(x.ctx, x.target.Dialect.Echo)
				r.err("Prepare", err)
				if err != nil {
					return
				}
				for i := range 5 {
					rows, err := stmt.QueryContext(x.ctx, fmt.Sprint("value ", i))
					r.rows("Query", rows, err)
				}
				result, err := stmt.ExecContext(x.ctx, "x")
				r.result("Exec", result, err)
				r.err("Close", stmt.Close())
				_, err = stmt.ExecContext(x.ctx, "x")
				r.err("Exec after Close", err)

				stmt, err = db.PrepareContext(x.ctx, x.target.Dialect.Fail)
				r.err("preparing what fails", err)
				if err == nil {
					_, err = stmt.ExecContext(x.ctx)
					r.err("executing what fails", err)
					_, err = stmt.ExecContext(x.ctx)
					r.err("executing it again", err)
					r.err("closing it", stmt.Close())
				}
			})
		},
	},
	{
		ID:     "SQL-15",
		Rule:   "one prepared statement used by many goroutines gives each its own answer",
		Why:    "a *sql.Stmt is made to be shared: mixed answers are other people's data",
		Source: "database/sql: a Stmt is safe for concurrent use",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 4})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.Echo)
			x.must("Prepare", err)
			for caller := range 8 {
				x.spawn(func() {
					for i := range 25 {
						want := fmt.Sprintf("caller %d, call %d", caller, i)
						var got string
						if err := stmt.QueryRowContext(x.ctx, want).Scan(&got); err != nil || got != want {
							x.fatalf("%s was answered %q, %v", want, got, err)
						}
					}
				})
			}
			x.work.Wait()
			x.must("closing the statement", stmt.Close())
		},
	},
	{
		ID:     "SQL-16",
		Rule:   "a statement works inside a transaction and ends with it, with the same errors",
		Why:    "tx.Stmt and tx.Prepare are how repositories share statements with transactions",
		Source: "database/sql: Tx.StmtContext, Tx.PrepareContext",
		needs:  []Need{NeedEcho, NeedPrepares},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				stmt, err := db.PrepareContext(x.ctx, x.target.Dialect.Echo)
				r.err("Prepare", err)
				if err != nil {
					return
				}
				defer stmt.Close()
				tx, err := db.BeginTx(x.ctx, nil)
				r.err("Begin", err)
				within := tx.StmtContext(x.ctx, stmt)
				rows, err := within.QueryContext(x.ctx, "shared")
				r.rows("a statement of the database", rows, err)
				own, err := tx.PrepareContext(x.ctx, x.target.Dialect.Echo)
				r.err("Prepare in the transaction", err)
				if err == nil {
					rows, err = own.QueryContext(x.ctx, "own")
					r.rows("its own statement", rows, err)
				}
				r.err("Commit", tx.Commit())
				_, err = within.ExecContext(x.ctx, "late")
				r.err("after Commit", err)
				rows, err = stmt.QueryContext(x.ctx, "again")
				r.rows("outside again", rows, err)
			})
		},
	},
	{
		ID:     "SQL-17",
		Rule:   "a prepared statement goes on working after its table has changed",
		Why:    "PostgreSQL then refuses the old plan (0A000): each statement would fail until its connection ends",
		Source: "this pool: a stale statement is forgotten, prepared again and tried once more",
		needs:  []Need{NeedStale, NeedRestates},
		check:  func(x *trial) { x.goesOn(x.target.Dialect.Alter) },
	},
	{
		ID:     "SQL-18",
		Rule:   "a prepared statement goes on working after the session's statements were dropped",
		Why:    "DISCARD ALL by a script, a pooler or a reset would break each *sql.Stmt for good (26000)",
		Source: "this pool: a stale statement is forgotten, prepared again and tried once more",
		needs:  []Need{NeedDiscard, NeedRestates},
		check:  func(x *trial) { x.goesOn(x.target.Dialect.Discard) },
	},
}

// goesOn uses a statement, has something happen to it, and uses it again.
func (x *trial) goesOn(happens string) {
	d := &x.target.Dialect
	query, table := d.One, ""
	if d.Tables {
		table = x.table("v int")
		query = "SELECT * FROM " + table
	}
	s := x.open(Settings{MaxConns: 1})
	stmt, err := s.DB.PrepareContext(x.ctx, query)
	x.must("Prepare", err)
	defer stmt.Close()
	use := func(when string) {
		rows, err := stmt.QueryContext(x.ctx)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err != nil {
			x.errorf("%s: %v", when, err)
		}
	}
	use("before")
	use("before, again")
	_, err = s.DB.ExecContext(x.ctx, in(happens, table))
	x.must(happens, err)
	use("after " + in(happens, "the table"))
	use("after it, again")
}
