package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// edgeRules: every value, and every error, on every route.
var edgeRules = []Rule{
	{
		ID:     "SQL-28",
		Rule:   "values at the edges of their types and of every size come back as they were sent, on every way to the driver",
		Why:    "a number above 2^53, a microsecond, a long text or an empty one that is not NULL would be another on the day it is used",
		Source: "database/sql: Rows.Scan; database/sql/driver: Value",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, echo := range x.target.Dialect.echoes() {
					if echo.text == "" {
						continue
					}
					x.along(r, db, echo.text, func(route string, a asker) {
						for i, value := range echo.values {
							rows, err := a.query(value)
							r.rows(fmt.Sprintf("%s: %s with value %d, %.40s", route, echo.text, i, told(value)), rows, err)
						}
					})
				}
			})
		},
	},
	{
		ID:     "SQL-29",
		Rule:   "an error of the driver is the error of the call in which it comes: at the first row, a later one, the end of the rows, Commit, wherever",
		Why:    "an error that becomes the end of the rows is a report with some of its lines, and one that becomes success is a write that never was",
		Source: "database/sql/driver: Rows.Next, RowsNextResultSet, Tx, Stmt",
		needs:  []Need{NeedProbe, NeedSeries},
		check: func(x *trial) {
			p := x.probe()
			db := x.open(Settings{MaxConns: 3}).DB
			for _, at := range x.moments() {
				for _, how := range []error{errors.New("conformance: of the driver"), stateError("22012"), io.ErrUnexpectedEOF} {
					if how == io.ErrUnexpectedEOF && at.again {
						continue // it may be tried on another connection
					}
					p.failAt(at.op, at.nth, how)
					err := at.do(db)
					p.afterwards(nil)
					if at.op == OpPing && err != nil && !errors.Is(err, how) {
						// A pool pings on its own account too, for example after a stall of the machine,
						// and then it has no connection to give: once more, when it has.
						x.until("a ping succeeds again", func() bool { return db.PingContext(x.ctx) == nil })
						p.failAt(at.op, at.nth, how)
						err = at.do(db)
						p.afterwards(nil)
					}
					if err == nil {
						x.errorf("the driver said %q at %s, and the caller is told that it succeeded", how, at.what)
					} else if !errors.Is(err, how) && how != io.ErrUnexpectedEOF && at.op != OpCommit && at.op != OpRollback {
						x.errorf("the driver said %q at %s, and the caller is told %q, which is not that", how, at.what, err)
					}
				}
			}
			x.use("a statement after all that", db)
		},
	},
	{
		ID:     "SQL-30",
		Rule:   "rows whose context ends while they are read come to their end or to an error, never to fewer rows",
		Why:    "a request that ran out of time would answer with half of the data, and say that it is all",
		Source: "database/sql: Rows.Err",
		needs:  []Need{NeedProbe, NeedSeries},
		check: func(x *trial) {
			const most = 50
			p := x.probe()
			db := x.open(Settings{MaxConns: 2}).DB
			for _, at := range []int{1, 2, most / 2, most, most + 1} {
				for _, way := range x.routes() {
					ctx, cancel := context.WithCancel(x.ctx)
					p.cutAt(OpNext, at, cancel)
					n, asked, err := 0, false, error(nil)
					_ = way.open(ctx, db, fmt.Sprintf(x.target.Dialect.Series, most), func(a asker) {
						asked = true
						var rows *sql.Rows
						if rows, err = a.query(); err == nil {
							for ; rows.Next(); n++ {
							}
							err = errors.Join(rows.Err(), rows.Close())
						}
					})
					p.intercept(nil)
					cancel()
					if asked && err == nil && n != most {
						x.errorf("%s: the context ended at row %d; %d of %d rows came, and no error", way.name, at, n, most)
					}
				}
			}
			x.use("a statement after all that", db)
		},
	},
	{
		ID:     "SQL-31",
		Rule:   "a Commit whose reply was lost is an error, whatever became of the transaction, and what it wrote is there once at most",
		Why:    "an order would be confirmed that is not in the database",
		Source: "database/sql: Tx.Commit; this pool: the outcome of a Commit that failed is unknown",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			n := 0
			for what, lost := range losses() {
				for _, done := range []bool{true, false} {
					for _, text := range []string{"Exec", "prepared"} {
						// One for each: what was not done leaves a transaction open, where the
						// error does not say that the connection is lost.
						db := x.open(Settings{MaxConns: 2}).DB
						n++
						token := l.token(n)
						tx, err := db.BeginTx(x.ctx, nil)
						x.must("Begin", err)
						x.must("an insert", l.write(x.ctx, tx, text, token))
						if done {
							p.failAt(OpCommit, 1, lost)
						} else {
							p.failing(OpCommit, func(int) error { return lost })
						}
						err = tx.Commit()
						p.afterwards(nil)
						p.intercept(nil)
						if err == nil {
							x.errorf("the driver said %s at Commit (the server has committed: %v), and the caller is told that it succeeded", what, done)
						}
						if most := l.written(token); most > 1 || done && most != 1 {
							x.errorf("the driver said %s at Commit (the server has committed: %v), and the row is there %d times", what, done, most)
						}
					}
				}
			}
		},
	},
}
