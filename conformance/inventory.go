package conformance

import (
	"context"
	"slices"
	"strings"
)

var inventoryRules = slices.Concat(bookRules, loanRules, lossRules, remainRules, beginLossRules)

// bookRules: loans and statements, counted.
var bookRules = []Rule{
	{
		ID:     "INV-01",
		Rule:   "after any mix of use the books balance: as many loans ended as began, and nothing is open that is not counted",
		Why:    "a slot lost now and then is a pool that stops one night",
		Source: "this pool: Stats",
		needs:  []Need{NeedPool, NeedProbe, NeedFail},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 3})
			for range 6 {
				x.spawn(func() {
					for range 4 {
						x.everyUse(s)
						ctx, cancel := context.WithCancel(x.ctx)
						go cancel()
						_, _ = s.DB.ExecContext(ctx, x.target.Dialect.One)
						cancel()
					}
				})
			}
			x.work.Wait()
			x.settle(s)
			x.until("what is closing is closed", func() bool { st := s.Pool.Stats(); return st.Closing+st.Dialing == 0 })
			st := s.Pool.Stats()
			if st.AcquireCount != st.ReleaseCount || st.Waiting != 0 || st.MisuseCount != 0 || st.Open != st.Idle {
				x.errorf("%d loans began and %d ended; %d wait; %d of %d connections are idle; %d misuses",
					st.AcquireCount, st.ReleaseCount, st.Waiting, st.Idle, st.Open, st.MisuseCount)
			}
			if now, _ := p.openNow(); now != st.Open {
				x.errorf("the pool counts %d open connections, and the driver %d", st.Open, now)
			}
		},
	},
	{
		ID:     "INV-02",
		Rule:   "one *sql.Stmt is prepared at most once on each connection",
		Why:    "each execution would cost a second round trip, and the server a parse and a plan",
		Source: "database/sql: Stmt; this pool: what is prepared on a connection is shared by sessions",
		needs:  []Need{NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 4})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for range 4 {
				x.spawn(func() {
					for range 50 {
						_, err := stmt.ExecContext(x.ctx)
						x.must("executing it", err)
					}
				})
			}
			x.work.Wait()
			if total, most := p.preparedOf(x.target.Dialect.One); most > 1 {
				x.errorf("200 executions on %d connections prepared it %d times, %d times on one of them", p.opened(), total, most)
			}
		},
	},
	{
		ID:     "INV-03",
		Rule:   "a *sql.Stmt that is closed is closed on its connections, and prepared again it is new",
		Why:    "a program that builds its queries would fill the server's memory, and one that prepares again after a change of schema means it",
		Source: "database/sql: Stmt.Close",
		needs:  []Need{NeedPool, NeedProbe, NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			const times = 20
			for i := range times {
				for range 2 {
					stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One+strings.Repeat(" ", i))
					x.must("Prepare", err)
					_, err = stmt.ExecContext(x.ctx)
					x.must("executing it", err)
					x.must("closing it", stmt.Close())
				}
			}
			if prepared := p.count(OpPrepare); prepared != 2*times {
				x.errorf("%d statements, of which each was closed before the next, were prepared %d times", 2*times, prepared)
			}
			x.until("every statement is closed", func() bool { return p.count(OpPrepare) == p.count(OpUnstmt) })
		},
	},
}
