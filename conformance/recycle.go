package conformance

import (
	"slices"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

var recycleRules = slices.Concat(limitRules, renewalRules)

// limitRules: age, idle time and uses.
var limitRules = []Rule{
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
				x.errorf("%d connections are open, and %d dials were made while no caller came", now, p.count(OpDial)-dialed)
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
}
