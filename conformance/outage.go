package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var outageRules = slices.Concat(deathRules, awayRules, serverRules, alarmRules, partialRules, raisedRules, beginDeathRules)

// awayRules: a server that is away, and comes back.
var awayRules = []Rule{
	{
		ID:     "OUT-03",
		Rule:   "a short outage is waited out: callers are served when the server is back, and see no error",
		Why:    "a restart of two seconds would be two seconds of failed requests",
		Source: "this pool: Config.FailFastAfter",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 2})
			p.failFirst(2, OpDial, errDial)
			first, second := x.call(x.ctx, s.DB), x.call(x.ctx, s.DB)
			x.mustServe("a caller during a short outage", first)
			x.mustServe("another", second)
		},
	},
	{
		ID:     "OUT-04",
		Rule:   "when an outage lasts, callers fail at once, with ErrUnavailable and the dial's error",
		Why:    "every request would hang for its whole timeout, and take the service's other parts with it",
		Source: "this pool: Config.FailFastAfter, the circuit",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 2, Adjust: func(c *sqlpool.Config) { c.FailFastAfter = soon }})
			p.failing(OpDial, func(int) error { return errDial })
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if !errors.Is(err, sqlpool.ErrUnavailable) || !errors.Is(err, errDial) {
				x.errorf("the first caller is told: %v", err)
			}
			start := time.Now()
			const callers = 20
			for range callers {
				if _, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One); !errors.Is(err, sqlpool.ErrUnavailable) {
					x.errorf("a later caller is told: %v", err)
				}
			}
			if took := time.Since(start); took > x.atOnce() || s.Pool.Stats().State != sqlpool.StateDown {
				x.errorf("%d callers took %v, and the pool says that it is %v", callers, took, s.Pool.Stats().State)
			}
		},
	},
	{
		ID:     "OUT-05",
		Rule:   "the pool comes back by itself, without a caller: MinIdle connections, and the state up",
		Why:    "a service that is taken out of rotation gets no callers who could wake its pool",
		Source: "this pool: outage.go",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.FailFastAfter = soon }})
			p.failing(OpDial, func(int) error { return errDial })
			if _, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One); !errors.Is(err, sqlpool.ErrUnavailable) {
				x.errorf("during the outage a caller is told: %v", err)
			}
			p.intercept(nil)
			x.until("a connection is idle again and the pool is up", func() bool {
				st := s.Pool.Stats()
				return st.Idle == 1 && st.State == sqlpool.StateUp
			})
		},
	},
	{
		ID:     "OUT-06",
		Rule:   "while dials fail there is one at a time, however many callers wait",
		Why:    "all callers would dial a server that comes up at once, again and again",
		Source: "this pool: outage.go, one probe at a time",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 10})
			p.failing(OpDial, func(int) error {
				time.Sleep(time.Millisecond) // so that dials meet
				return errDial
			})
			ctx, cancel := context.WithCancel(x.ctx)
			for range 10 {
				x.spawn(func() {
					for ctx.Err() == nil {
						_, _ = s.DB.ExecContext(ctx, x.target.Dialect.One)
						time.Sleep(time.Millisecond) // a caller who is refused at once comes again
					}
				})
			}
			defer cancel()
			// Those that began before the first had failed may meet.
			begun := p.count(OpDial) + sqlpool.DefaultMaxDialing + 1
			x.until("the first dials have failed", func() bool { now, _ := p.dials(); return p.count(OpDial) > begun && now <= 1 })
			p.resetDials()
			before := p.count(OpDial)
			x.until("three more have failed", func() bool { return p.count(OpDial) > before+3 })
			if _, most := p.dials(); most > 1 {
				x.errorf("%d dials were under way at once", most)
			}
		},
	},
}

// outage opens a pool that has had a connection and has none left.
func (x *trial) outage(s Settings) (*Subject, *Probe) {
	p := x.probe()
	subject := x.open(s)
	conn := x.hold(subject.DB)
	gone := p.closes() + 1
	if s.MinIdle > 0 { // what is dialed again at once would end the outage before it begins
		p.failing(OpDial, func(int) error { return errDial })
	}
	p.afterwards(func(_ context.Context, c Call, err error) error {
		if c.Op == OpExec {
			return driver.ErrBadConn
		}
		return err
	})
	if _, err := conn.ExecContext(x.ctx, x.target.Dialect.One); err == nil {
		x.fatalf("a statement succeeds although its driver says that the connection is bad")
	}
	p.afterwards(nil)
	_ = conn.Close()
	x.until("the connection is closed", func() bool { return p.closes() >= gone })
	return subject, p
}
