package conformance

import (
	"context"
	"database/sql"
	"slices"
)

var replicaRules = slices.Concat(placeRules, freshRules, apartRules)

// placeRules: which server does what.
var placeRules = []Rule{
	{
		ID:     "REP-01",
		Rule:   "work that no one has marked is done by the primary, in whatever way it comes",
		Why:    "a read that was meant to see the latest would see the past, and a write would be refused",
		Source: "this pool: route; nothing is guessed from SQL text",
		needs:  []Need{NeedReplicas, NeedLedger},
		check: func(x *trial) {
			l, one := x.ledger(), x.target.Dialect.One
			s := x.split(0, l.insert, l.returning)
			s.warm()
			did := s.doing(func() {
				for _, way := range x.routes() {
					x.must(way.name, way.open(x.ctx, s.DB, one, func(a asker) {
						x.askTwice(way.name, a)
					}))
				}
				for i, how := range l.writings() {
					x.must(how, l.write(x.ctx, s.DB, how, l.token(i)))
				}
			})
			if on(did) != 0 {
				x.errorf("of unmarked work the primary did %d statements and the replicas %v", did[0], did[1:])
			}
		},
	},
	{
		ID:     "REP-02",
		Rule:   "a read-only transaction is done by one replica, all of it, and is read-only there",
		Why:    "reports and lists would stay on the server that has the most to do",
		Source: "database/sql: TxOptions.ReadOnly; this pool: route",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for what, use := range x.inTx(s.DB) {
				did := s.doing(func() {
					tx, err := s.DB.BeginTx(x.ctx, &sql.TxOptions{ReadOnly: true})
					x.must("Begin", err)
					defer tx.Rollback() // after a Commit it does nothing
					use(tx)
					x.readOnly(tx)
					x.must("Commit", tx.Commit())
				})
				if on(did) < 1 {
					x.errorf("of a read-only transaction with %s the primary did %d statements and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-03",
		Rule:   "a statement that is marked as a read is done by a replica, as text and prepared",
		Why:    "who has marked a read has measured that the primary has enough to do",
		Source: "this pool: route.Replica",
		needs:  []Need{NeedReplicas, NeedRead},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for what, how := range x.ways() {
				did := s.doing(func() {
					ctx := s.Read(x.ctx)
					x.must(what, how(ctx, s.DB, x.target.Dialect.One, func(a asker) {
						x.askTwice(what, a)
					}))
				})
				if did[0] > 0 || did[1]+did[2] != 2 {
					x.errorf("of two marked executions (%s) the primary did %d and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-04",
		Rule:   "a Conn stays on the server where it has begun, whatever the contexts of its statements say",
		Why:    "settings, locks and temporary tables of a session would be on one server and its statements on another",
		Source: "database/sql: Conn is one connection",
		needs:  []Need{NeedReplicas, NeedRead},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			marked, one := s.Read(x.ctx), x.target.Dialect.One
			for what, begin := range map[string]context.Context{"the primary": x.ctx, "a replica": marked} {
				conn, err := s.DB.Conn(begin)
				x.must("Conn", err)
				did := s.doing(func() {
					for _, ctx := range []context.Context{begin, x.ctx, marked, x.ctx} {
						x.must("a statement of a Conn", queryOne(ctx, conn, one))
					}
				})
				x.must("closing a Conn", conn.Close())
				if at := on(did); at < 0 || (at == 0) != (what == "the primary") {
					x.errorf("of a Conn that has begun on %s the primary did %d statements and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-05",
		Rule:   "reads are done by every replica",
		Why:    "a second replica would be paid for and idle",
		Source: "this pool: route",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			did := make([]int, len(s.probes))
			for range 5 {
				now, err := s.round()
				x.must("a read", err)
				for i := range now {
					did[i] += now[i]
				}
			}
			if least := (did[1] + did[2]) / 4; did[0] > 0 || min(did[1], did[2]) < least {
				x.errorf("of 100 reads the primary did %d statements and the replicas %v", did[0], did[1:])
			}
		},
	},
}
