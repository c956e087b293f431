package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// leftRules: what statements that were closed, refused or given up leave behind.
var leftRules = []Rule{
	{
		ID:     "SQL-32",
		Rule:   "a query whose text a closed *sql.Stmt had is answered as on a new connection, whatever has changed since",
		Why:    "what the statement had prepared would answer for it: with old columns, or with an error for as long as the connection lives",
		Source: "database/sql: Stmt.Close; this pool: what a closed statement has prepared goes before its text is executed again",
		needs:  []Need{NeedPrepares},
		check: func(x *trial) {
			d := &x.target.Dialect
			for _, happens := range []string{d.Alter, d.Discard} {
				if happens != "" {
					x.closesAnd(happens)
				}
			}
		},
	},
	{
		ID:     "SQL-33",
		Rule:   "a statement that is refused while rows are open costs neither the rows nor the transaction",
		Why:    "a slip of the program would lose the connection, and all that the transaction has written",
		Source: "database/sql: Tx, Rows; this pool: what the driver has refused without sending it leaves the connection as it was",
		needs:  []Need{NeedProbe, NeedSeries, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			db := x.open(Settings{MaxConns: 1}).DB
			n := 0
			for _, forced := range []bool{false, true} { // else the driver refuses, or it does not
				for _, how := range []string{"Exec", "Query", "prepared"} {
					if how == "prepared" && !forced {
						continue // some drivers prepare in the middle of rows, and break
					}
					n++
					x.refusedInRows(db, p, l, how, forced, l.token(n))
				}
			}
			if n := p.opened(); n != 1 {
				x.errorf("statements that were refused while rows were open cost %d connections", n-1)
			}
		},
	},
	{
		ID:     "SQL-34",
		Rule:   "a statement that succeeds after its context has ended and the server was asked to cancel it is not told as a success, outside a transaction",
		Why:    "a COMMIT that waits for a standby ends its wait when it is cancelled, and the server calls it success: a failover loses what the caller believes to be safe",
		Source: "PostgreSQL: synchronous_commit; this pool: a success after the cancel request has an unknown outcome",
		needs:  []Need{NeedStubborn, NeedCancel},
		check: func(x *trial) {
			db := x.open(Settings{MaxConns: 2}).DB
			x.use("a first statement", db)
			text := fmt.Sprintf(x.target.Dialect.Stubborn, stubborn)
			for _, way := range x.routes() {
				if strings.HasPrefix(way.name, "Tx") {
					continue // what succeeds in a transaction has no outcome yet
				}
				for what, do := range map[string]func(asker) error{
					"Exec": func(a asker) error { _, err := a.exec(); return err },
					"Query": func(a asker) error {
						rows, err := a.query()
						if err == nil {
							err = readAll(rows)
						}
						return err
					},
				} {
					ctx, cancel := context.WithCancel(x.ctx)
					asked, err := false, error(nil)
					_ = way.open(ctx, db, text, func(a asker) {
						defer time.AfterFunc(5*soon, cancel).Stop()
						asked = true
						err = do(a)
					})
					cancel()
					if asked && err == nil {
						x.errorf("%s of a %s: the context has ended, the server was asked to cancel, and the caller is told that the statement succeeded", what, way.name)
					}
				}
			}
			x.use("a statement after all that", db)
		},
	},
}

// ownText behind a text makes one of it that no other rule has.
var ownText = strings.Repeat(" ", 33)

// stubborn is how many seconds the statement takes that succeeds when it is cancelled.
const stubborn = 21

// closesAnd uses a statement, closes it, has something happen to what it has prepared, and asks
// with the same text.
func (x *trial) closesAnd(happens string) {
	d := &x.target.Dialect
	query, table := d.One, ""
	if d.Tables {
		table = x.table("v int")
		query = "SELECT * FROM " + table
	}
	query += ownText
	db := x.open(Settings{MaxConns: 1}).DB
	stmt, err := db.PrepareContext(x.ctx, query)
	x.must("Prepare", err)
	for range 2 {
		rows, err := stmt.QueryContext(x.ctx)
		x.must("executing the statement", err)
		x.must("its rows", readAll(rows))
	}
	x.must("closing the statement", stmt.Close())
	_, err = db.ExecContext(x.ctx, in(happens, table))
	x.must(happens, err)
	ask := func(db *sql.DB) *transcript {
		r := &transcript{x: x}
		rows, err := db.QueryContext(x.ctx, query)
		r.rows("after "+in(happens, "the table"), rows, err)
		return r
	}
	want := ask(x.plain())
	for range 3 {
		x.same(want, ask(db))
	}
}

// errRowsOpen is how the probe refuses a statement.
var errRowsOpen = errors.New("conformance: refused while rows are open")

// refusedInRows executes a statement while the rows of its transaction are open.
func (x *trial) refusedInRows(db *sql.DB, p *Probe, l ledger, how string, forced bool, token string) {
	const most = 5
	what := how + ", which the driver may refuse"
	if forced {
		what = how + ", which is refused"
	}
	tx, err := db.BeginTx(x.ctx, nil)
	x.must("Begin", err)
	defer tx.Rollback()
	x.must("an insert", l.write(x.ctx, tx, "Exec", token))
	rows, err := tx.QueryContext(x.ctx, fmt.Sprintf(x.target.Dialect.Series, most))
	x.must("a query", err)
	defer rows.Close()
	n := 0
	if rows.Next() {
		n++
	}
	if forced {
		p.intercept(func(_ context.Context, c Call) error {
			if c.Op == OpExec || c.Op == OpQuery || c.Op == OpPrepare {
				return errRowsOpen
			}
			return nil
		})
	}
	text := x.target.Dialect.One + ownText
	refused := asText
	if how == "prepared" {
		refused = asStmt
	}
	err = nil
	opened := refused(x.ctx, tx, text, func(a asker) {
		if how == "Exec" {
			_, err = a.exec()
			return
		}
		var nested *sql.Rows
		if nested, err = a.query(); err == nil {
			err = readAll(nested)
		}
	})
	p.intercept(nil)
	if forced && !errors.Is(errors.Join(opened, err), errRowsOpen) {
		x.errorf("%s: the caller is told %v", what, errors.Join(opened, err))
	}
	for rows.Next() {
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || n != most {
		x.errorf("%s: %d of %d rows came, and %v", what, n, most, err)
	}
	if err := tx.Commit(); err != nil {
		x.errorf("%s: Commit says %v", what, err)
	}
	if n := l.written(token); n != 1 {
		x.errorf("%s: what the transaction had written is there %d times", what, n)
	}
}
