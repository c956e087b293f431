package conformance

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// patienceRules: callers whose time is over.
var patienceRules = []Rule{
	{
		ID:     "ACQ-03",
		Rule:   "a caller stops waiting when its context ends, with the context's error, and leaves the queue",
		Why:    "requests that are over would keep their place in front of those that are not",
		Source: "database/sql: DB.Conn; this pool: one deadline covers waiting, validating and dialing",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			hold := x.hold(s.DB)
			ctx, cancel := context.WithTimeout(x.ctx, soon)
			defer cancel()
			start := time.Now()
			_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > x.atOnce() {
				x.errorf("with a deadline in %v it took %v and said: %v", soon, took, err)
			}
			if n := s.Figures().Waiting; n > 0 {
				x.errorf("%d callers are still in the queue", n)
			}
			x.must("giving the connection back", hold.Close())
			x.mustServe("the next caller", x.call(x.ctx, s.DB))
		},
	},
	{
		ID:     "ACQ-04",
		Rule:   "a caller without a deadline waits at most AcquireTimeout, and errors.Is says sqlpool.ErrAcquireTimeout",
		Why:    "one lost connection would hang every request for ever",
		Source: "this pool: Config.AcquireTimeout",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.AcquireTimeout = soon }})
			x.holdReady(s)
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, sqlpool.ErrAcquireTimeout) || took > x.atOnce() {
				x.errorf("with an AcquireTimeout of %v it took %v and said: %v", soon, took, err)
			}
		},
	},
	{
		ID:     "ACQ-05",
		Rule:   "the error of a timed out acquire names the phase, the counts, the knob and who holds the connections",
		Why:    "at 3 a.m. \"timed out\" alone starts a search",
		Source: "this pool: AcquireError",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.AcquireTimeout = soon }})
			x.holdReady(s)
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			var acquire *sqlpool.AcquireError
			if !errors.As(err, &acquire) {
				x.fatalf("the error is a %T: %v", err, err)
			}
			if acquire.Phase != sqlpool.PhaseWaiting || acquire.Stats.InUse != 1 || acquire.Waited < soon || len(acquire.Holders) != 1 {
				x.errorf("it says phase %q, %d in use, waited %v, holders %v", acquire.Phase, acquire.Stats.InUse, acquire.Waited, acquire.Holders)
			}
			for _, word := range []string{"MaxConns", x.target.Dialect.One, "held for"} {
				if !strings.Contains(err.Error(), word) {
					x.errorf("%q is not in %q", word, err)
				}
			}
		},
	},
	{
		ID:     "ACQ-06",
		Rule:   "a caller that gives up while it is being served loses no connection",
		Why:    "each crossing would cost a connection for good: the pool dies of timeouts",
		Source: "this pool: a waiter that is granted and gone passes the grant on",
		check: func(x *trial) {
			x.crossInQueue()
			if x.target.lacks(NeedProbe) == "" {
				x.crossInDriver()
			}
		},
	},
	{
		ID:     "ACQ-07",
		Rule:   "Acquire under a context that has ended fails at once with its error, even when a connection is idle",
		Why:    "work would begin for a request that is over",
		Source: "this pool: Pool.Acquire",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{})
			x.use("a first statement", s.DB)
			ctx, cancel := context.WithCancelCause(x.ctx)
			cancel(errors.New("the caller's cause"))
			loan, err := s.Pool.Acquire(ctx)
			if err == nil {
				_ = loan.Release()
			}
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the caller's cause") {
				x.errorf("Acquire says: %v", err)
			}
		},
	},
}
