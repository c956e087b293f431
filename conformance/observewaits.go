package conformance

import (
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// waitRules: callers who wait, and those who wait in vain.
var waitRules = []Rule{
	{
		ID:     "OBS-01",
		Rule:   "a caller who waits is seen while it waits",
		Why:    "the first sign of a pool that is too small would be the timeouts",
		Source: "this pool: Stats.Waiting",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			if s.Figures().Waiting < 0 {
				x.fatalf("nothing that this pool tells says how many callers wait now")
			}
			const callers = 30
			hold := x.hold(s.DB)
			for range callers {
				x.call(x.ctx, s.DB)
			}
			x.until("all of them are seen to wait", func() bool { return s.Figures().Waiting == callers })
			x.must("giving the connection back", hold.Close())
			x.work.Wait()
			if n := s.Figures().Waiting; n != 0 {
				x.errorf("%d callers are seen to wait, and all have been served", n)
			}
		},
	},
	{
		ID:     "OBS-02",
		Rule:   "waits are counted and timed, and only those: a caller who finds a connection has not waited",
		Why:    "averages over all callers hide the wait of some",
		Source: "this pool: Stats.WaitCount, Stats.WaitTime",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			x.use("a statement", s.DB)
			x.settle(s)
			before := s.Figures()
			for range 5 {
				x.use("a statement that does not wait", s.DB)
			}
			hold := x.hold(s.DB)
			if now := s.Figures(); now.Waited != before.Waited {
				x.errorf("%d waits are counted where no caller waited", now.Waited-before.Waited)
			}
			const callers = 7
			began := time.Now()
			for range callers {
				x.call(x.ctx, s.DB)
			}
			x.awaitWaiting(s, before.Waited, callers)
			time.Sleep(soon) // the wait to be measured
			x.must("giving the connection back", hold.Close())
			x.work.Wait()
			now := s.Figures()
			if n := now.Waited - before.Waited; n != callers {
				x.errorf("%d callers waited, and %d waits are counted", callers, n)
			}
			most := callers * time.Since(began)
			if took := now.WaitTime - before.WaitTime; took < callers*soon || took > most {
				x.errorf("%d callers waited for %v at least and %v at most together, and %v are counted", callers, callers*soon, most, took)
			}
		},
	},
	{
		ID:     "OBS-03",
		Rule:   "acquires that failed are counted by their kind: timed out, given up, refused",
		Why:    "a timeout of the pool is an incident, an impatient client is not",
		Source: "this pool: Stats.TimeoutCount, CanceledCount, SaturatedCount",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.AcquireTimeout, c.MaxWaiters = 10*soon, 1 }})
			x.holdReady(s)
			ctx, cancel := x.brief()
			impatient := x.call(ctx, s.DB)
			x.awaitWaiting(s, 0, 1)
			for range 3 {
				_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One) // refused
			}
			cancel()
			<-impatient.done
			for range 2 {
				_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One) // times out
			}
			st := s.Pool.Stats()
			canceled := st.CanceledCount
			if st.TimeoutCount+canceled != 3 || canceled > 1 || st.SaturatedCount != 3 {
				x.errorf("1 gave up, 3 were refused and 2 timed out; counted are %d, %d and %d", canceled, st.SaturatedCount, st.TimeoutCount)
			}
		},
	},
}
