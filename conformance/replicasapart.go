package conformance

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"time"
)

// apartRules: servers that break, and servers that are closed.
var apartRules = []Rule{
	{
		ID:     "REP-08",
		Rule:   "while no replica can be reached the primary does the reads, and the replicas do them again when they are back",
		Why:    "the loss of replicas would be the loss of the service",
		Source: "this pool: route.UsePrimary",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for _, p := range s.probes[1:] {
				p.intercept(func(context.Context, Call) error { return io.ErrUnexpectedEOF })
			}
			s.settled("the primary does the reads", func(did []int) bool { return on(did) == 0 })
			for _, p := range s.probes[1:] {
				p.intercept(nil)
			}
			s.warm()
		},
	},
	{
		ID:     "REP-09",
		Rule:   "while the primary cannot be reached no replica does its work, and the caller has an error",
		Why:    "a write that a replica refuses would hide that the primary is away, and a read would see the past",
		Source: "this pool: route; nothing unmarked leaves the primary",
		needs:  []Need{NeedReplicas, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(0, l.insert, l.returning)
			s.warm()
			s.probes[0].intercept(func(context.Context, Call) error { return io.ErrUnexpectedEOF })
			did := s.doing(func() {
				for i, how := range l.writings() {
					if x.within(time.Second, func(ctx context.Context) error { return l.write(ctx, s.DB, how, l.token(i)) }) == nil {
						x.errorf("%s of a row succeeded without the primary", how)
					}
				}
				if x.within(time.Second, func(ctx context.Context) error { return queryOne(ctx, s.DB, x.target.Dialect.One) }) == nil {
					x.errorf("a read that was not marked succeeded without the primary")
				}
			})
			if did[1]+did[2] > 0 {
				x.errorf("without the primary the replicas did %v of what is the primary's", did[1:])
			}
		},
	},
	{
		ID:     "REP-10",
		Rule:   "the error of a statement on a replica is the driver's own, with its SQLSTATE",
		Why:    "code that looks for an error of its driver would not find it where its reads have moved",
		Source: "database/sql: errors of statements are the driver's",
		needs:  []Need{NeedReplicas, NeedFail},
		check: func(x *trial) {
			fail := x.target.Dialect.Fail
			s := x.split(0)
			s.warm()
			tell := func(db *sql.DB) string {
				tx, err := db.BeginTx(x.ctx, &sql.TxOptions{ReadOnly: true})
				x.must("Begin", err)
				defer func() { _ = tx.Rollback() }()
				_, err = tx.ExecContext(x.ctx, fail)
				r := &transcript{x: x}
				r.err("a statement that fails", err)
				return strings.Join(r.lines, "; ")
			}
			if plain, got := tell(x.plain()), tell(s.DB); got != plain {
				x.errorf("on a replica: %s; the driver alone: %s", got, plain)
			}
		},
	},
	{
		ID:     "REP-11",
		Rule:   "closing the *sql.DB closes every connection to every server",
		Why:    "each deploy would leave sessions behind on servers of which no one thinks",
		Source: "database/sql: DB.Close; this pool: route.Router.Close",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			x.must("a statement", queryOne(x.ctx, s.DB, x.target.Dialect.One))
			x.must("closing", s.Close())
			for i, p := range s.probes {
				if now, most := p.openNow(); now != 0 || most == 0 {
					x.errorf("%d of up to %d connections to server %d are open after Close", now, most, i)
				}
			}
		},
	},
}
