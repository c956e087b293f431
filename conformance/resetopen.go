package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// openRules: transactions that hooks leave open, and contexts that outlive theirs.
var openRules = []Rule{
	{
		ID:     "RST-10",
		Rule:   "a transaction that a hook has left open is lent to no caller",
		Why:    "what the caller writes, acknowledged, would be rolled back with it",
		Source: "this pool: a connection inside a transaction is never lent",
		needs:  []Need{NeedPool, NeedTextTx, NeedLedger, NeedTxStatus},
		check: func(x *trial) {
			for moment, hooks := range map[string]func(func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks{
				"AfterConnect": func(f func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks {
					return sqlpool.Hooks{AfterConnect: f}
				},
				"BeforeAcquire": func(f func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks {
					return sqlpool.Hooks{BeforeAcquire: f}
				},
				"WhileIdle": func(f func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks {
					return sqlpool.Hooks{WhileIdle: func(ctx context.Context, c sqlpool.IdleConn) error { return f(ctx, c.Conn) }}
				},
				"Defer": func(f func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks {
					return sqlpool.Hooks{AfterRelease: func(r sqlpool.Releasing) error { r.Defer(f); return nil }}
				},
			} {
				x.leavesOpen(moment, hooks)
			}
		},
	},
	{
		ID:     "RST-11",
		Rule:   "the end of a transaction's context, when the transaction is over, breaks nothing that its connection is used for next",
		Why:    "a watcher that is left behind breaks another caller's transaction, once in some thousand times, with an error that says nothing",
		Source: "database/sql: DB.BeginTx; database/sql/driver: ConnBeginTx",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			db := x.open(Settings{MaxConns: 1}).DB
			for what, abandon := range map[string]func(context.Context, context.CancelFunc){
				"Commit":   func(ctx context.Context, _ context.CancelFunc) { x.endedBy(ctx, db, (*sql.Tx).Commit) },
				"Rollback": func(ctx context.Context, _ context.CancelFunc) { x.endedBy(ctx, db, (*sql.Tx).Rollback) },
				"the end of its context while it began": func(ctx context.Context, cancel context.CancelFunc) {
					p.afterwards(func(_ context.Context, c Call, err error) error {
						if c.Op == OpBegin {
							cancel()
						}
						return err
					})
					if tx, err := db.BeginTx(ctx, nil); err == nil {
						_ = tx.Rollback()
					}
					p.afterwards(nil)
				},
			} {
				ctx, cancel := context.WithCancel(x.ctx)
				abandon(ctx, cancel)
				next, err := db.BeginTx(x.ctx, nil)
				x.must("Begin of the next transaction", err)
				x.use("a statement of the next transaction", next)
				cancel()
				for range 5 { // what watches may need a moment
					if _, err := next.ExecContext(x.ctx, x.target.Dialect.One); err != nil {
						x.errorf("the context of a transaction that was over (%s) has ended, and the next transaction is told: %v", what, err)
					}
					time.Sleep(soon / 4)
				}
				if err := next.Commit(); err != nil {
					x.errorf("the context of a transaction that was over (%s) has ended, and the Commit of the next says: %v", what, err)
				}
			}
		},
	},
}

// endedBy begins a transaction, uses it and ends it.
func (x *trial) endedBy(ctx context.Context, db *sql.DB, end func(*sql.Tx) error) {
	tx, err := db.BeginTx(ctx, nil)
	x.must("Begin", err)
	x.use("a statement in it", tx)
	x.must("its end", end(tx))
}

// hookKey marks the context of what a hook executes.
type hookKey struct{}

// leavesOpen has a hook begin a transaction, at its first two calls, and callers write.
func (x *trial) leavesOpen(moment string, hooks func(func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks) {
	const faults = 2
	var calls atomic.Int64
	l := x.ledger()
	s := x.open(Settings{
		MaxConns: 1,
		Hooks: []sqlpool.Hooks{hooks(func(ctx context.Context, c *sqlpool.Conn) error {
			if calls.Add(1) > faults {
				return nil
			}
			return c.Exec(context.WithValue(ctx, hookKey{}, true), x.target.Dialect.Begin)
		})},
		Adjust: func(c *sqlpool.Config) {
			if moment == "WhileIdle" { // elsewhere a sweep would roll back what the pool has missed
				c.SweepInterval = time.Millisecond
			}
		},
	})
	for n := 0; calls.Load() <= faults && n < 200; n++ { // that the hook is called at all is another rule's subject
		token := l.tokenOf(fmt.Sprintf("%s_%d", moment, n))
		_, err := s.DB.ExecContext(x.ctx, l.insert, token)
		x.settle(s)
		if got := l.written(token); err == nil && got != 1 {
			x.errorf("%s has left a transaction open, and the next caller's row, acknowledged, is there %d times", moment, got)
			return
		}
		time.Sleep(2 * time.Millisecond) // a sweep
	}
	// The hook's last call may be that of a dial under way: until it ends, the refusal before it holds.
	x.until("no dial is under way", func() bool { return s.Pool.Stats().Dialing == 0 })
	x.use("a statement after transactions that "+moment+" had left open", s.DB)
}
