package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// remainRules: what stays of statements.
var remainRules = []Rule{
	{
		ID:     "INV-11",
		Rule:   "what was prepared on a connection is closed before the connection is",
		Why:    "drivers keep the memory of each statement until it is closed: a pool that replaces connections would grow for ever",
		Source: "database/sql/driver: Stmt.Close; database/sql closes a connection's statements before it",
		needs:  []Need{NeedProbe, NeedPrepares, NeedCloses},
		check: func(x *trial) {
			const conns, stmts = 9, 5
			var mu sync.Mutex
			open := map[int]int{} // prepared and not closed, on each connection
			p := x.probe()
			p.afterwards(func(_ context.Context, c Call, err error) error {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case c.Op == OpPrepare && err == nil:
					open[c.Conn]++
				case c.Op == OpUnstmt:
					open[c.Conn]--
				}
				return err
			})
			dangling := 0
			p.intercept(func(_ context.Context, c Call) error {
				mu.Lock()
				defer mu.Unlock()
				if c.Op == OpClose {
					dangling += open[c.Conn]
					open[c.Conn] = 0
				}
				return nil
			})
			s := x.open(Settings{MaxConns: conns})
			var all []*sql.Stmt
			for n := range stmts {
				stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One+fmt.Sprintf("%*s", n, ""))
				x.must("Prepare", err)
				defer stmt.Close()
				all = append(all, stmt)
			}
			var txs []*sql.Tx
			for range conns {
				tx, err := s.DB.BeginTx(x.ctx, nil)
				x.must("Begin", err)
				txs = append(txs, tx)
				for _, stmt := range all {
					_, err := tx.StmtContext(x.ctx, stmt).ExecContext(x.ctx)
					x.must("executing a statement", err)
				}
			}
			for _, tx := range txs {
				x.must("Commit", tx.Commit())
			}
			x.settle(s)
			if x.target.lacks(NeedPool) == "" {
				x.must("Retire", x.acquire(s).Retire(nil))
			}
			x.must("Close", s.Close())
			x.until("the connections are closed", func() bool { now, _ := p.openNow(); return now == 0 })
			mu.Lock()
			defer mu.Unlock()
			if dangling > 0 {
				x.errorf("%d statements on %d connections: %d were open when their connection was closed", stmts, conns, dangling)
			}
		},
	},
	{
		ID:     "INV-12",
		Rule:   "nothing of a statement that is over waits for the end of its transaction's context",
		Why:    "a transaction of a million statements would keep something of each until it ends",
		Source: "context: AfterFunc; this pool: what binds a statement to its transaction ends with the statement",
		check: func(x *trial) {
			db := x.open(Settings{MaxConns: 1}).DB
			within := &countedContext{Context: x.ctx, done: make(chan struct{})}
			tx, err := db.BeginTx(within, nil)
			x.must("Begin", err)
			defer tx.Rollback()
			prepares := x.target.lacks(NeedPrepares) == ""
			each := func(n int) {
				for range n {
					for _, do := range []how{asText, asStmt} {
						if !prepares {
							do = asText
						}
						ctx, cancel := context.WithTimeout(x.ctx, time.Hour)
						x.must("a statement", do(ctx, tx, x.target.Dialect.One, func(a asker) {
							_, err := a.exec()
							x.must("Exec", err)
							rows, err := a.query()
							x.must("Query", err)
							x.must("its rows", readAll(rows))
						}))
						cancel()
					}
				}
			}
			each(1)
			before := within.waiting()
			const more = 50
			each(more)
			if after := within.waiting(); after > before {
				x.errorf("after %d statements more, %d more functions wait for the end of the transaction's context", 4*more, after-before)
			}
			x.must("Commit", tx.Commit())
		},
	},
}

// countedContext does not end, and counts what waits for its end.
type countedContext struct {
	context.Context
	done chan struct{}
	mu   sync.Mutex
	wait int
}

// Done implements context.Context: not the inner one's, so that package context asks AfterFunc.
func (c *countedContext) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *countedContext) Err() error { return nil }

// AfterFunc is how package context has a function called at the end of a context
// that is not its own.
func (c *countedContext) AfterFunc(func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait++
	var once sync.Once
	return func() (stopped bool) {
		once.Do(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.wait--
			stopped = true
		})
		return stopped
	}
}

func (c *countedContext) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait
}
