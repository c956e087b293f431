package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// errorRules: what goes wrong.
var errorRules = []Rule{
	{
		ID:     "SQL-10",
		Rule:   "a statement's error is the driver's own: type, text, SQLSTATE, errors.Is and errors.As",
		Why:    "code that looks for a *pgconn.PgError, a *pq.Error or a unique violation would not find it",
		Source: "database/sql: errors of statements are the driver's",
		needs:  []Need{NeedFail},
		check: func(x *trial) {
			fail := x.target.Dialect.Fail
			x.compare(func(r *transcript, db *sql.DB) {
				_, err := db.ExecContext(x.ctx, fail)
				r.err("Exec", err)
				rows, err := db.QueryContext(x.ctx, fail)
				r.rows("Query", rows, err)
				var n int
				r.err("QueryRow", db.QueryRowContext(x.ctx, fail).Scan(&n))
				conn, err := db.Conn(x.ctx)
				x.must("Conn", err)
				defer conn.Close()
				_, err = conn.ExecContext(x.ctx, fail)
				r.err("Exec on a Conn", err)
				_, err = conn.ExecContext(x.ctx, x.target.Dialect.One)
				r.err("the next statement", err)
				r.err("closing it", conn.Close())
				x.along(r, db, fail, func(route string, a asker) {
					_, err := a.exec()
					r.err(route+": Exec", err)
					rows, err := a.query()
					r.rows(route+": Query", rows, err)
				})
			})
		},
	},
	{
		ID:     "SQL-11",
		Rule:   "a value that does not fit fails in Scan with the same error",
		Why:    "the error names the column; without it one searches",
		Source: "database/sql: Rows.Scan",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				var n int
				r.err("text into an int", db.QueryRowContext(x.ctx, x.target.Dialect.Echo, "no number").Scan(&n))
				var s string
				r.err("NULL into a string", db.QueryRowContext(x.ctx, x.target.Dialect.Echo, nil).Scan(&s))
				var a, b string
				r.err("one into two", db.QueryRowContext(x.ctx, x.target.Dialect.Echo, "x").Scan(&a, &b))
			})
		},
	},
	{
		ID:     "SQL-12",
		Rule:   "a context that has ended before a call is the call's error, and nothing reaches the driver",
		Why:    "some drivers break a connection that is given an ended context: each such call would cost a dial",
		Source: "database/sql: contexts; this pool: sql_operation.go",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			conn := x.hold(x.open(Settings{MaxConns: 1}).DB)
			ended, cancel := context.WithCancel(x.ctx)
			cancel()
			before := p.count(OpExec) + p.count(OpQuery) + p.count(OpPrepare) + p.count(OpBegin)
			for name, call := range map[string]func() error{
				"Exec":    func() error { _, err := conn.ExecContext(ended, x.target.Dialect.One); return err },
				"Query":   func() error { _, err := conn.QueryContext(ended, x.target.Dialect.One); return err },
				"Prepare": func() error { _, err := conn.PrepareContext(ended, x.target.Dialect.One); return err },
			} {
				if err := call(); !errors.Is(err, context.Canceled) {
					x.errorf("%s under a cancelled context: %v", name, err)
				}
			}
			if after := p.count(OpExec) + p.count(OpQuery) + p.count(OpPrepare) + p.count(OpBegin); after != before {
				x.errorf("%d calls reached the driver all the same", after-before)
			}
			_, err := conn.ExecContext(x.ctx, x.target.Dialect.One)
			if err != nil || p.opened() != 1 {
				x.errorf("the connection is gone: %v after %d dials", err, p.opened())
			}
		},
	},
	{
		ID:     "SQL-13",
		Rule:   "a statement whose context ends returns without waiting for the server, with the context's error",
		Why:    "a request that is over would hold its connection, and its handler, for as long as the server likes",
		Source: "database/sql: contexts",
		needs:  []Need{NeedSleep, NeedCancel},
		check: func(x *trial) {
			const asleep = 20 // seconds
			db := x.open(Settings{}).DB
			_, err := db.ExecContext(x.ctx, x.target.Dialect.One)
			x.must("a first statement", err)
			for name, limited := range map[string]func() (context.Context, context.CancelFunc){
				"a deadline": func() (context.Context, context.CancelFunc) { return context.WithTimeout(x.ctx, 20*time.Millisecond) },
				"a cancel": func() (context.Context, context.CancelFunc) {
					ctx, cancel := context.WithCancel(x.ctx)
					time.AfterFunc(20*time.Millisecond, cancel)
					return ctx, cancel
				},
			} {
				ctx, cancel := limited()
				start := time.Now()
				_, err := db.ExecContext(ctx, fmt.Sprintf(x.target.Dialect.Sleep, asleep))
				took := time.Since(start)
				if err == nil || took > asleep*time.Second/2 {
					x.errorf("%s: a statement that takes %d s returned %v after %v", name, asleep, err, took)
				} else if end := ctx.Err(); !errors.Is(err, end) && x.plainSays() {
					x.errorf("%s: the error is %q, which is not %q", name, err, end)
				}
				cancel()
			}
			_, err = db.ExecContext(x.ctx, x.target.Dialect.One)
			x.must("a statement after it", err)
		},
	},
}

// plainSays reports whether the driver's own error of a statement that was cut
// off is the context's; some answer with the server's.
func (x *trial) plainSays() bool {
	ctx, cancel := context.WithTimeout(x.ctx, 20*time.Millisecond)
	defer cancel()
	_, err := x.plain().ExecContext(ctx, fmt.Sprintf(x.target.Dialect.Sleep, 20))
	return errors.Is(err, context.DeadlineExceeded)
}
