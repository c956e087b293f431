package conformance

import "time"

// freshRules: what a replica that lags may be read for.
var freshRules = []Rule{
	{
		ID:     "REP-06",
		Rule:   "a session's reads see what was written in it before, in each way of writing",
		Why:    "a user saves a form and is shown the old values",
		Source: "this pool: route.Session",
		needs:  []Need{NeedReplicas, NeedHold, NeedOwnReads, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(time.Hour, l.insert, l.returning)
			s.warm()
			resume := s.hold(1, 2)
			n := 0
			for what, write := range l.alone(s.DB) {
				n++
				ctx := s.Session(x.ctx)
				x.must(what, write(ctx, l.token(n)))
				did, err := s.read(ctx)
				x.must("a read of the session", err)
				if on(did) != 0 {
					x.errorf("after %s, with replicas that have not replayed it, the session's read was done by the replicas %v", what, did[1:])
				}
			}
			ctx := s.Session(x.ctx)
			x.must("a write", l.write(ctx, s.DB, "Exec", l.tokenOf("last")))
			resume()
			x.until("the session's reads are done by replicas again", func() bool {
				did, err := s.read(ctx)
				return err == nil && on(did) > 0
			})
		},
	},
	{
		ID:     "REP-07",
		Rule:   "a replica that lags more than the limit is not read from, and is again when it has caught up",
		Why:    "a replica that stands still would show an ever older past to one caller in two",
		Source: "this pool: route.Config.MaxLag",
		needs:  []Need{NeedReplicas, NeedHold, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(500 * time.Millisecond)
			s.warm()
			resume := s.hold(1)
			x.must("a write", l.write(x.ctx, s.DB, "Exec", l.token(1)))
			s.settled("only the replica that has it all is read from", func(did []int) bool { return did[0] == 0 && did[1] == 0 })
			resume()
			s.warm()
		},
	},
}
