package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var outageRules = []Rule{
	{
		ID:     "OUT-01",
		Rule:   "connections that died while idle are found out before they are lent: no statement fails",
		Why:    "after every restart or failover each dead connection would be a user's error",
		Source: "this pool: liveness on acquire",
		needs:  []Need{NeedKill, NeedSession, NeedLife},
		check: func(x *trial) {
			const conns = 9
			s := x.open(Settings{MaxConns: conns})
			x.killIdle(s, conns)
			var failed list[error]
			query, args := x.target.Dialect.One, []any(nil)
			if echo := x.target.Dialect.Echo; echo != "" {
				query, args = echo, []any{"x"}
			}
			for range conns { // with its rows open, so that each has another connection
				rows, err := s.DB.QueryContext(x.ctx, query, args...)
				if err != nil {
					failed.add(err)
					continue
				}
				defer rows.Close()
			}
			if errs := failed.all(); len(errs) > 0 {
				x.errorf("of %d queries after %d idle sessions were ended, %d failed: %v", conns, conns, len(errs), errs[0])
			}
		},
	},
	{
		ID:     "OUT-02",
		Rule:   "a session that is ended in use is an error to its borrower, and is not lent again",
		Why:    "a statement that did nothing would look done, or the next borrower get the dead connection",
		Source: "database/sql/driver: Conn; this pool: release.go",
		needs:  []Need{NeedKill, NeedSession},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 13})
			conn := x.hold(s.DB)
			x.kill(x.session(conn))
			if _, err := conn.ExecContext(x.ctx, x.target.Dialect.One); err == nil {
				x.errorf("a statement on a session that has ended says that it succeeded")
			}
			_ = conn.Close()
			x.use("the next borrower's statement", s.DB)
		},
	},
	{
		ID:     "OUT-03",
		Rule:   "a short outage is waited out: callers are served when the server is back, and see no error",
		Why:    "a restart of two seconds would be two seconds of failed requests",
		Source: "this pool: Config.FailFastAfter",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 2})
			p.failing(OpDial, func(n int) error {
				if n <= 2 {
					return errDial
				}
				return nil
			})
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
		Why:    "a server that comes up would be met by everybody at once, again and again",
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
	{
		ID:     "OUT-07",
		Rule:   "a refused password or a missing database is told at once: waiting would not help",
		Why:    "a rotated credential would look like a slow network until every timeout has passed",
		Source: "this pool: ClassPermanent, SQLSTATE 28 and 3D",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 1})
			p.failing(OpDial, func(int) error { return stateError("28P01") })
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			var state stateError
			if took := time.Since(start); !errors.As(err, &state) || took > x.atOnce() {
				x.errorf("after %v the caller is told: %v", took, err)
			}
		},
	},
	{
		ID:     "OUT-08",
		Rule:   "a server that is starting up (57P03) is waited for",
		Why:    "it answers, so a pool that takes every answer for final fails through each restart",
		Source: "this pool: ClassUnavailable",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 1})
			p.failing(OpDial, func(n int) error {
				if n <= 2 {
					return stateError("57P03")
				}
				return nil
			})
			x.mustServe("a caller while the server starts up", x.call(x.ctx, s.DB))
		},
	},
	{
		ID:     "OUT-09",
		Rule:   "a caller who cancels its own statement throws no suspicion on the other connections",
		Why:    "impatient clients would make the pool drop what works",
		Source: "this pool: a caller's own context is never evidence against the server",
		needs:  []Need{NeedSleep, NeedCancel},
		check: func(x *trial) {
			p := x.probe()
			const conns = 3
			s := x.open(Settings{MaxConns: conns})
			x.fill(s, conns)
			for range 2 {
				ctx, cancel := context.WithTimeout(x.ctx, soon)
				_, err := s.DB.ExecContext(ctx, fmt.Sprintf(x.target.Dialect.Sleep, 25))
				cancel()
				if err == nil {
					x.errorf("a statement of 25 s ended within %v", soon)
				}
			}
			x.fill(s, conns)
			if n := p.opened(); n > conns+2 {
				x.errorf("two cancelled statements cost %d connections", n-conns)
			}
		},
	},
	{
		ID:     "OUT-10",
		Rule:   "a connection whose close hangs holds up nobody: its slot is free after CloseTimeout",
		Why:    "a server that has stopped answering would keep every slot of the pool",
		Source: "this pool: Config.CloseTimeout",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			conn := x.hold(s.DB)
			p.gate(OpClose)
			x.spawn(func() {
				_ = conn.Raw(func(any) error { return driver.ErrBadConn })
				_ = conn.Close()
			})
			x.mustServe("the caller behind a connection whose close hangs", x.call(x.ctx, s.DB))
		},
	},
}

// stateError is an error of the server with its SQLSTATE.
type stateError string

// Error implements error.
func (e stateError) Error() string { return "conformance: the server says " + string(e) }

// SQLState is how both drivers' errors tell it.
func (e stateError) SQLState() string { return string(e) }

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

// kill ends a session.
func (x *trial) kill(session string) {
	x.must("ending session "+session, x.target.Server.Kill(x.ctx, session))
	time.Sleep(soon) // the news travels
}

// killIdle opens connections, gives them back and ends their sessions.
func (x *trial) killIdle(s *Subject, n int) {
	conns := x.holdAll(s.DB, n)
	var sessions []string
	for _, c := range conns {
		sessions = append(sessions, x.session(c))
	}
	for _, c := range conns {
		x.must("giving a connection back", c.Close())
	}
	x.settle(s)
	var all sync.WaitGroup
	for _, id := range sessions {
		all.Go(func() {
			if err := x.target.Server.Kill(x.ctx, id); err != nil {
				x.errorf("ending session %s: %v", id, err)
			}
		})
	}
	all.Wait()
	time.Sleep(soon) // the news travels
}
