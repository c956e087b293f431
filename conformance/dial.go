package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var errDial = errors.New("conformance: connection refused")

var dialRules = slices.Concat(burstRules, dialFailureRules)

// burstRules: how many dials, and for whom.
var burstRules = []Rule{
	{
		ID:     "DIAL-01",
		Rule:   "a burst of callers on an empty pool dials a few connections at a time",
		Why:    "a dial for every caller loads a server that has just started, and all of them are slower for it",
		Source: "this pool: Config.MaxDialing",
		check: func(x *trial) {
			p := x.probe()
			dials := p.gate(OpDial)
			const callers = 20
			s := x.open(Settings{MaxConns: callers})
			var all []*caller
			for range callers {
				all = append(all, x.call(x.ctx, s.DB))
			}
			x.until("all callers wait", func() bool {
				now, _ := p.dials()
				return now >= callers || s.Figures().Waiting >= callers
			})
			if s.Pool != nil {
				x.until("what the pool dials has come to the driver", func() bool { now, _ := p.dials(); return now >= s.Pool.Stats().Dialing })
			}
			if _, most := p.dials(); most > sqlpool.DefaultMaxDialing {
				x.errorf("%d callers had %d dials under way at once, and %d is the limit", callers, most, sqlpool.DefaultMaxDialing)
			}
			dials.all()
			for _, c := range all {
				x.mustServe("a caller of the burst", c)
			}
		},
	},
	{
		ID:     "DIAL-02",
		Rule:   "a connection that is free serves callers whose own dials are still under way",
		Why:    "when the server is slow to accept, callers would wait for it beside idle connections",
		Source: "this pool: dials are detached from callers",
		check: func(x *trial) {
			p := x.probe()
			dials := p.gate(OpDial)
			dials.let(1)
			s := x.open(Settings{MaxConns: 2})
			hold := x.hold(s.DB)
			waiter := x.call(x.ctx, s.DB)
			x.until("a second dial is under way", func() bool { return dials.waiting.Load() == 1 })
			x.must("giving the first connection back", hold.Close())
			x.mustServe("a caller whose dial hangs, beside an idle connection", waiter)
			dials.all()
		},
	},
	{
		ID:     "DIAL-03",
		Rule:   "the error of a dial reaches the caller, errors.Is included, at once when there never was a connection",
		Why:    "a wrong password or address must be seen at start-up, as what it is",
		Source: "this pool: AcquireError.Dial",
		check: func(x *trial) {
			x.probe().failing(OpDial, func(int) error { return errDial })
			s := x.open(Settings{})
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, errDial) || took > x.atOnce() {
				x.errorf("after %v: %v, which is not the dial's error", took, err)
			}
		},
	},
	{
		ID:     "DIAL-04",
		Rule:   "a dial whose caller has gone goes on, and its connection serves the next",
		Why:    "under timeouts no dial would ever come to its end: the pool never recovers from being slow",
		Source: "this pool: dials are detached from callers",
		check: func(x *trial) {
			p := x.probe()
			dials := p.gate(OpDial)
			s := x.open(Settings{MaxConns: 1})
			ctx, cancel := context.WithCancel(x.ctx)
			impatient := x.call(ctx, s.DB)
			x.until("its dial is under way", func() bool { return dials.waiting.Load() == 1 })
			cancel()
			if err := <-impatient.done; !errors.Is(err, context.Canceled) {
				x.errorf("the caller who gave up was told %v", err)
			}
			dials.all()
			x.until("the dial has ended", func() bool { now, _ := p.dials(); return now == 0 })
			x.mustServe("the next caller", x.call(x.ctx, s.DB))
			if n := p.count(OpDial); n != 1 {
				x.errorf("%d dials were made for one connection", n)
			}
		},
	},
	{
		ID:     "DIAL-05",
		Rule:   "ConnectTimeout bounds a dial, also of a driver that does not heed its context",
		Why:    "one black-holed address would hold a slot, and its callers, for minutes",
		Source: "this pool: Config.ConnectTimeout",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			p.failing(OpDial, func(int) error {
				<-p.loose
				return errDial
			})
			s := x.open(Settings{Adjust: func(c *sqlpool.Config) { c.ConnectTimeout, c.CloseTimeout = soon, soon }})
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, sqlpool.ErrUnavailable) || took > x.atOnce() {
				x.errorf("with a ConnectTimeout of %v it took %v and said: %v", soon, took, err)
			}
		},
	},
	{
		ID:     "DIAL-06",
		Rule:   "a dial's driver.ErrBadConn does not reach package sql",
		Why:    "package sql would dial three times for each call, and tell the user \"driver: bad connection\"",
		Source: "database/sql/driver: ErrBadConn",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			x.probe().failing(OpDial, func(int) error { return driver.ErrBadConn })
			_, err := x.open(Settings{}).DB.ExecContext(x.ctx, x.target.Dialect.One)
			if err == nil || errors.Is(err, driver.ErrBadConn) {
				x.errorf("the caller was told: %v", err)
			}
		},
	},
	{
		ID:     "DIAL-07",
		Rule:   "MinIdle connections are open before anybody asks for one",
		Why:    "the first requests after a start would pay for the dials",
		Source: "this pool: Config.MinIdle",
		check: func(x *trial) {
			const ready = 3
			p := x.probe()
			x.open(Settings{MaxConns: 5, MinIdle: ready})
			x.until("they are open", func() bool { now, _ := p.openNow(); return now == ready })
		},
	},
}

// open3 opens a pool of three connections, of which one is held.
func (x *trial) open3() (*Subject, *Probe) {
	p := x.probe()
	s := x.open(Settings{MaxConns: 3})
	x.hold(s.DB)
	return s, p
}
