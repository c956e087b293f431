package conformance

import (
	"context"
	"slices"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

var recycleRules = []Rule{
	{
		ID:     "REC-01",
		Rule:   "a connection older than its lifetime is replaced, and no statement fails for it",
		Why:    "load balancers, credentials and server memory want connections to end in time",
		Source: "database/sql: SetConnMaxLifetime; this pool: recycle.MaxLifetime",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1, MaxLifetime: soon})
			x.until("the connection has been replaced twice", func() bool {
				x.use("a statement", s.DB)
				return p.opened() >= 3
			})
		},
	},
	{
		ID:     "REC-02",
		Rule:   "a connection in use is not cut for its age",
		Why:    "a long report would fail for a policy about something else",
		Source: "database/sql: SetConnMaxLifetime; this pool: recycle.MaxLifetime",
		needs:  []Need{NeedSession},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 2, MaxLifetime: soon})
			hold := x.hold(s.DB)
			before := x.session(hold)
			x.until("the other connection has been replaced", func() bool {
				x.use("a statement beside it", s.DB)
				return p.opened() >= 4
			})
			if after := x.session(hold); after != before {
				x.errorf("session %s became %s while it was held", before, after)
			}
		},
	},
	{
		ID:     "REC-03",
		Rule:   "connections that nobody has used for MaxIdleTime are closed",
		Why:    "a peak's connections would stay on the server until the next deployment",
		Source: "database/sql: SetConnMaxIdleTime; this pool: recycle.MaxIdleTime",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 4, MaxIdleTime: soon})
			x.fill(s, 4)
			x.until("the idle connections are closed", func() bool { now, _ := p.openNow(); return now == 0 })
		},
	},
	{
		ID:     "REC-04",
		Rule:   "MinIdle connections stay, however long nobody comes",
		Why:    "closing and dialing them again, round after round, is work for nothing, and a race with the next caller",
		Source: "this pool: recycle.MaxIdleTime",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 4, MinIdle: 1, MaxIdleTime: soon})
			x.fill(s, 4)
			x.until("the other connections are closed", func() bool { now, _ := p.openNow(); return now == 1 })
			dialed := p.count(OpDial)
			time.Sleep(5 * soon) // nothing may happen, so there is no event to wait for
			if now, _ := p.openNow(); now != 1 || p.count(OpDial) != dialed {
				x.errorf("%d connections are open, and %d dials were made while nobody came", now, p.count(OpDial)-dialed)
			}
		},
	},
	{
		ID:     "REC-05",
		Rule:   "a connection is replaced after MaxUses statements, at the end of a loan",
		Why:    "server processes grow with what they execute",
		Source: "this pool: recycle.MaxUses",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 2, Hooks: []sqlpool.Hooks{recycle.MaxUses(3)}})
			for range 9 {
				x.use("a statement", s.DB)
				x.settle(s)
			}
			if n := p.opened(); n != 3 {
				x.errorf("9 statements were executed on %d connections", n)
			}
		},
	},
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
			const conns, lifetime = 8, 20 * soon
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
