package conformance

import (
	"database/sql"
	"fmt"
	"slices"
)

var sqlRules = slices.Concat(answerRules, errorRules, statementRules, transactionRules, sessionRules, edgeRules, leftRules, beginRules, changeRules)

// answerRules: what comes back.
var answerRules = []Rule{
	{
		ID:     "SQL-01",
		Rule:   "a query has the same columns and values, of the same types, as without the pool",
		Why:    "a program that scans into any, or maps columns by name, would see other data",
		Source: "database/sql: Rows.Columns, Rows.Scan",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, query := range x.queries() {
					x.along(r, db, query, func(route string, a asker) {
						rows, err := a.query()
						r.rows(route+": "+query, rows, err)
					})
				}
			})
		},
	},
	{
		ID:     "SQL-02",
		Rule:   "the column types of a query are the same as without the pool",
		Why:    "tools that build their output from ColumnTypes would print something else, or panic",
		Source: "database/sql: Rows.ColumnTypes",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, query := range x.queries() {
					x.along(r, db, query, func(route string, a asker) {
						rows, err := a.query() //nolint:rowserrcheck // no row is read
						r.columnTypes(route+": "+query, rows, err)
					})
				}
			})
		},
	},
	{
		ID:     "SQL-03",
		Rule:   "arguments are converted by the driver's own rules, and refused with the same errors",
		Why:    "a value that the driver takes (a Valuer, a time, a nil pointer) would be refused, or stored as something else",
		Source: "database/sql/driver: NamedValueChecker, ColumnConverter, DefaultParameterConverter",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				stmt := x.prepared(r, db)
				for i, value := range arguments {
					what := fmt.Sprintf("argument %d, a %T", i, value)
					rows, err := db.QueryContext(x.ctx, x.target.Dialect.Echo, value)
					r.rows(what, rows, err)
					if stmt != nil {
						rows, err = stmt.QueryContext(x.ctx, value)
						r.rows(what+", prepared", rows, err)
					}
				}
				if stmt != nil {
					r.err("closing", stmt.Close())
				}
			})
		},
	},
	{
		ID:     "SQL-04",
		Rule:   "too few, too many and named arguments are refused with the same errors",
		Why:    "a programming error would show as something else, or not at all",
		Source: "database/sql: argument counts; database/sql/driver: Stmt.NumInput",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				stmt := x.prepared(r, db)
				for what, args := range [][]any{{}, {"a", "b"}, {sql.Named("name", "a")}} {
					what := fmt.Sprintf("call %d, with %v", what, args)
					_, err := db.ExecContext(x.ctx, x.target.Dialect.Echo, args...)
					r.err(what, err)
					if stmt != nil {
						_, err = stmt.ExecContext(x.ctx, args...)
						r.err(what+", prepared", err)
					}
				}
			})
		},
	},
	{
		ID:     "SQL-05",
		Rule:   "RowsAffected and LastInsertId say the same, whatever the number",
		Why:    "optimistic locking counts the rows of an UPDATE",
		Source: "database/sql: Result",
		needs:  []Need{NeedLedger},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				l := x.ledger()
				r.hide = append(r.hide, l.table)
				// Before anything is inserted: SQLite answers with what its connection has inserted last.
				x.along(r, db, x.target.Dialect.One, func(route string, a asker) {
					result, err := a.exec()
					r.result(route+": no insert", result, err)
				})
				result, err := db.ExecContext(x.ctx, l.insert, l.token(1))
				r.result("an insert", result, err)
				for _, n := range affects(x.target.Dialect.Affect) {
					x.along(r, db, in(fmt.Sprintf(x.target.Dialect.Affect, n), l.table), func(route string, a asker) {
						result, err := a.exec()
						r.result(fmt.Sprintf("%s: %d rows", route, n), result, err)
					})
				}
			})
		},
	},
	{
		ID:     "SQL-06",
		Rule:   "a query of several result sets has them all, in order",
		Why:    "the second set of a procedure or batch would be missing without an error",
		Source: "database/sql: Rows.NextResultSet",
		needs:  []Need{NeedSets},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				d := &x.target.Dialect
				queries := []string{d.Sets}
				if d.Series != "" { // sets of other lengths, and an empty one among them
					three, none := fmt.Sprintf(d.Series, 3), fmt.Sprintf(d.Series, 0)
					queries = append(queries, three+"; "+none+"; "+d.One+"; "+three, none+"; "+three)
				}
				for _, query := range queries {
					x.along(r, db, query, func(route string, a asker) {
						rows, err := a.query()
						r.rows(route+": "+query, rows, err)
					})
				}
			})
		},
	},
	{
		ID:     "SQL-07",
		Rule:   "a long answer has all its rows, in order",
		Why:    "rows that end early without an error are the worst of errors",
		Source: "database/sql: Rows.Next, Rows.Err",
		needs:  []Need{NeedSeries},
		check: func(x *trial) {
			db := x.open(Settings{}).DB
			for _, most := range append(sizes(1024), 3000) {
				x.series(db, most)
			}
		},
	},
	{
		ID:     "SQL-08",
		Rule:   "a query without rows is sql.ErrNoRows to QueryRow and no error to Query",
		Why:    "programs tell \"not there\" from \"failed\" by it",
		Source: "database/sql: Row.Scan",
		needs:  []Need{NeedSeries},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				none := fmt.Sprintf(x.target.Dialect.Series, 0)
				var n int
				r.err("QueryRow", db.QueryRowContext(x.ctx, none).Scan(&n))
				rows, err := db.QueryContext(x.ctx, none)
				r.rows("Query", rows, err)
			})
		},
	},
	{
		ID:     "SQL-09",
		Rule:   "rows closed before their end leave the connection fit for the next statement",
		Why:    "LIMIT by break is common: the next borrower would read the rest of another caller's answer",
		Source: "database/sql/driver: Rows.Close",
		needs:  []Need{NeedSeries},
		check: func(x *trial) {
			db := x.open(Settings{MaxConns: 1}).DB
			for i := range 5 {
				rows, err := db.QueryContext(x.ctx, fmt.Sprintf(x.target.Dialect.Series, 500))
				x.must("a long query", err)
				for range i + 1 {
					rows.Next()
				}
				x.must("closing its rows early", rows.Close())
				var one int
				if err := db.QueryRowContext(x.ctx, x.target.Dialect.One).Scan(&one); err != nil || one != 1 {
					x.errorf("the next query gives %d, %v", one, err)
				}
			}
		},
	},
}
