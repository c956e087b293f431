package conformance

import (
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var observeRules = slices.Concat(waitRules, stateRules, reportRules)

// stateRules: how the pool is.
var stateRules = []Rule{
	{
		ID:     "OBS-04",
		Rule:   "connections that are being dialed or closed are counted as such, and the sum is what is open",
		Why:    "a pool would look half empty while it is full of connections that do not come up",
		Source: "this pool: Stats, one instant",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			dials := p.gate(OpDial)
			s := x.open(Settings{MaxConns: 3})
			waiter := x.call(x.ctx, s.DB)
			x.until("a dial is under way", func() bool { return dials.waiting.Load() == 1 })
			if st := s.Pool.Stats(); st.Dialing != 1 || st.Open != 1 || st.Idle+st.InUse+st.Closing != 0 {
				x.errorf("during one dial: %d open, of which %d dialing, %d idle, %d in use, %d closing", st.Open, st.Dialing, st.Idle, st.InUse, st.Closing)
			}
			dials.all()
			x.mustServe("the caller", waiter)
			x.settle(s)
			closes := p.gate(OpClose)
			x.must("Retire", x.acquire(s).Retire(nil))
			x.until("a close is under way", func() bool { return closes.waiting.Load() == 1 })
			if st := s.Pool.Stats(); st.Closing != 1 || st.Open != 1 {
				x.errorf("during one close: %d open, of which %d closing", st.Open, st.Closing)
			}
			closes.all()
		},
	},
	{
		ID:     "OBS-05",
		Rule:   "Holders lists the loans that are out, the longest first, each with its last statement",
		Why:    "who holds the connections is the first question, and the longest holder mostly its answer",
		Source: "this pool: Pool.Holders",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 3})
			x.hold(s.DB)
			tx, err := s.DB.BeginTx(x.ctx, nil)
			x.must("Begin", err)
			defer tx.Rollback()
			x.use("a statement in it", tx)
			holders := s.Pool.Holders()
			if len(holders) != 2 || holders[0].Held < holders[1].Held || holders[0].InTransaction || !holders[1].InTransaction {
				x.fatalf("a Conn and then a Tx are listed as %v", holders)
			}
			for _, h := range holders {
				if h.LastStatement != x.target.Dialect.One {
					x.errorf("a holder's last statement is %q", h.LastStatement)
				}
			}
		},
	},
	{
		ID:     "OBS-06",
		Rule:   "the last error is told, with its time",
		Why:    "after a night's incident it is what is left to read",
		Source: "this pool: Stats.LastError, LastErrorAt",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			began := time.Now()
			x.probe().failing(OpDial, func(int) error { return errDial })
			s := x.open(Settings{})
			_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			st := s.Pool.Stats()
			if !strings.Contains(st.LastError, errDial.Error()) || st.LastErrorAt.Before(began) {
				x.errorf("after a failed dial the last error is %q of %v", st.LastError, st.LastErrorAt)
			}
		},
	},
	{
		ID:     "OBS-07",
		Rule:   "OnState sees the pool lose and regain its database, in order",
		Why:    "alerts would stay on, or never come",
		Source: "this pool: OnState",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			var seen list[string]
			s, p := x.outage(Settings{MaxConns: 1,
				Hooks:  []sqlpool.Hooks{{OnState: func(e sqlpool.StateChanged) { seen.add(e.From.String() + ">" + e.To.String()) }}},
				Adjust: func(c *sqlpool.Config) { c.FailFastAfter = soon },
			})
			p.failing(OpDial, func(int) error { return errDial })
			_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			x.until("the pool is down", func() bool { return s.Pool.Stats().State == sqlpool.StateDown })
			p.intercept(nil)
			x.until("the pool is up", func() bool { return s.Pool.Stats().State == sqlpool.StateUp })
			x.must("Close", s.Close())
			want := "starting>up up>retrying retrying>down down>up up>closed"
			var got string
			x.until("all changes are told", func() bool {
				got = strings.Join(seen.all(), " ")
				return strings.HasSuffix(got, ">closed")
			})
			if got != want {
				x.errorf("the changes were told as\n  %s\nnot as\n  %s", got, want)
			}
		},
	},
	{
		ID:     "OBS-08",
		Rule:   "the most connections that were in use at once are told",
		Why:    "the size of the pool is chosen by it",
		Source: "this pool: Stats.PeakInUse",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 6})
			x.fill(s, 4)
			x.use("a statement", s.DB)
			if n := s.Pool.Stats().PeakInUse; n != 4 {
				x.errorf("4 connections were in use at once, and %d are told", n)
			}
		},
	},
}
