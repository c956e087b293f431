package conformance

import (
	"context"
	"slices"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

// renewalRules: many connections at once.
var renewalRules = []Rule{
	{
		ID:     "REC-06",
		Rule:   "Recycle replaces every connection, those in use when they come back, and cuts none",
		Why:    "new credentials must reach every connection without an error",
		Source: "this pool: Pool.Recycle",
		needs:  []Need{NeedPool, NeedSession},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 3})
			conns := x.holdAll(s.DB, 3)
			var old []string
			for _, c := range conns {
				old = append(old, x.session(c))
			}
			x.must("giving one back", conns[0].Close())
			x.must("giving another back", conns[1].Close())
			x.settled(s, 1)
			x.must("Recycle", s.Pool.Recycle(x.ctx, 0))
			if now := x.session(conns[2]); now != old[2] {
				x.errorf("session %s became %s in mid-loan", old[2], now)
			}
			x.must("giving the last one back", conns[2].Close())
			x.until("none of the old connections is lent any more", func() bool {
				fresh := true
				conns := x.holdAll(s.DB, 3)
				for _, c := range conns {
					fresh = fresh && !slices.Contains(old, x.session(c))
				}
				for _, c := range conns {
					x.must("giving a connection back", c.Close())
				}
				return fresh
			})
		},
	},
	{
		ID:     "REC-07",
		Rule:   "no statement fails while connections are recycled under load",
		Why:    "rotating credentials would need a maintenance window",
		Source: "this pool: Pool.Recycle",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			x.probe().slow()
			s := x.open(Settings{MaxConns: 3})
			x.fill(s, 3)
			stop := make(chan struct{})
			for range 6 {
				x.spawn(func() {
					for {
						x.use("a statement during Recycle", s.DB)
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
						}
					}
				})
			}
			for range 3 {
				x.must("Recycle", s.Pool.Recycle(x.ctx, soon))
			}
			close(stop)
			x.work.Wait()
		},
	},
	{
		ID:     "REC-08",
		Rule:   "a *sql.Stmt goes on working after its connection was replaced, prepared once on the new one",
		Why:    "statements live as long as the program, connections do not",
		Source: "database/sql: Stmt",
		needs:  []Need{NeedPool, NeedProbe, NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for range 3 {
				for range 3 {
					if _, err := stmt.ExecContext(x.ctx); err != nil {
						x.fatalf("the statement, on connection %d: %v", p.opened(), err)
					}
				}
				x.settle(s)
				x.must("Retire", x.acquire(s).Retire(nil))
			}
			if total, most := p.preparedOf(x.target.Dialect.One); total != 3 || most != 1 {
				x.errorf("on 3 connections it was prepared %d times, on one of them %d times", total, most)
			}
		},
	},
	{
		ID:     "REC-09",
		Rule:   "connections opened together do not all end together",
		Why:    "a fleet started at once would dial at once, an hour later and every hour",
		Source: "this pool: recycle.MaxLifetime draws a jitter for each connection",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			const conns, lifetime = 8, 60 * soon
			var ages list[time.Duration]
			s := x.open(Settings{
				MaxConns: conns,
				Hooks: []sqlpool.Hooks{recycle.MaxLifetime(lifetime, lifetime), {OnClose: func(e sqlpool.Closed) {
					if sqlpool.ReasonCode(e.Reason) == recycle.CodeMaxLifetime {
						ages.add(e.Age)
					}
				}}},
				Adjust: func(c *sqlpool.Config) { c.SweepInterval = time.Millisecond },
			})
			x.fillQuickly(s, conns)
			x.until("half of the connections are old", func() bool { return len(ages.all()) >= conns/2 })
			// That eight even draws have half of them in the last twentieth happens
			// once in a hundred thousand times.
			if first := slices.Min(ages.all()); first > lifetime*19/20 {
				x.errorf("with a jitter from 0 to %v the first connection ended at the age of %v", lifetime, first)
			}
		},
	},
}

// settled returns when that many connections are lent.
func (x *trial) settled(s *Subject, lent int) {
	x.until("the others are given back", func() bool { return s.Figures().InUse == lent })
}

// fillQuickly is fill, of loans.
func (x *trial) fillQuickly(s *Subject, n int) {
	var loans []sqlpool.Loan
	for range n {
		loan, err := s.Pool.Acquire(context.WithoutCancel(x.ctx))
		x.must("acquiring", err)
		loans = append(loans, loan)
	}
	for _, loan := range loans {
		x.must("releasing", loan.Release())
	}
}
