package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var adminRules = slices.Concat(endRules, liveRules)

// endRules: Shutdown and Close.
var endRules = []Rule{
	{
		ID:     "ADM-01",
		Rule:   "Shutdown refuses new callers, lets loans finish and then returns nil",
		Why:    "a deployment would cut requests that need a second more",
		Source: "this pool: Pool.Shutdown",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 2})
			hold := x.hold(s.DB)
			ended := make(chan error, 1)
			x.spawn(func() { ended <- s.Pool.Shutdown(x.ctx) })
			x.until("the pool is closing", func() bool { return s.Pool.Stats().State == sqlpool.StateClosed })
			if _, err := s.Pool.Acquire(x.ctx); !errors.Is(err, sqlpool.ErrClosed) {
				x.errorf("a new caller is told: %v", err)
			}
			if _, err := hold.ExecContext(x.ctx, x.target.Dialect.One); err != nil {
				x.errorf("a statement on a loan from before: %v", err)
			}
			select {
			case err := <-ended:
				x.fatalf("Shutdown has returned %v while a loan is out", err)
			default:
			}
			_ = hold.Close()
			if err := <-ended; err != nil {
				x.errorf("after the last loan Shutdown returns %v", err)
			}
		},
	},
	{
		ID:     "ADM-02",
		Rule:   "at its deadline Shutdown takes by force what is still out, and names who held it",
		Why:    "the process must end, and its operator must learn what kept it from ending",
		Source: "this pool: Pool.Shutdown, HolderError",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			hold := x.hold(s.DB)
			ctx, cancel := context.WithTimeout(x.ctx, soon)
			defer cancel()
			start := time.Now()
			err := s.Pool.Shutdown(ctx)
			var holder *sqlpool.HolderError
			if took := time.Since(start); !errors.As(err, &holder) || took > x.atOnce() {
				x.fatalf("after %v Shutdown returns %v", took, err)
			}
			if holder.Holder.LastStatement != x.target.Dialect.One {
				x.errorf("the holder is described as %v", holder.Holder)
			}
			if x.target.lacks(NeedAbort) == "" {
				x.until("the loan that was ended by force cannot be used any more", func() bool {
					_, err := hold.ExecContext(x.ctx, x.target.Dialect.One)
					return err != nil
				})
			}
		},
	},
	{
		ID:     "ADM-03",
		Rule:   "callers who wait when Shutdown begins are told so at once",
		Why:    "they would hang until their own timeouts, and the shutdown with them",
		Source: "this pool: Pool.Shutdown",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			hold := x.hold(s.DB)
			waiter := x.call(x.ctx, s.DB)
			x.awaitWaiting(s, 0, 1)
			x.spawn(func() { _ = s.Pool.Shutdown(x.ctx) })
			if _, err := x.served(waiter); !errors.Is(err, sqlpool.ErrClosed) {
				x.errorf("a caller in the queue is told: %v", err)
			}
			_ = hold.Close()
		},
	},
	{
		ID:     "ADM-04",
		Rule:   "Close can be called again, and what comes after it fails as after the Close of any *sql.DB",
		Why:    "shutdown code is called twice more often than not",
		Source: "database/sql: DB.Close",
		check: func(x *trial) {
			s := x.open(Settings{})
			x.use("a statement", s.DB)
			x.must("Close", s.Close())
			x.must("Close again", s.Close())
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if err == nil || !strings.Contains(err.Error(), "sql: database is closed") {
				x.errorf("a statement after Close is told: %v", err)
			}
			if s.Pool == nil {
				return
			}
			if _, err := s.Pool.Acquire(x.ctx); !errors.Is(err, sqlpool.ErrClosed) {
				x.errorf("Acquire after Close is told: %v", err)
			}
		},
	},
	{
		ID:     "ADM-05",
		Rule:   "closing the *sql.DB closes the pool behind it",
		Why:    "programs that know only the *sql.DB would leave its connections open",
		Source: "database/sql: DB.Close closes a connector that is an io.Closer",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{})
			x.use("a statement", s.DB)
			x.must("closing the *sql.DB", s.DB.Close())
			if st := s.Pool.Stats(); st.State != sqlpool.StateClosed || st.Open != 0 {
				x.errorf("the pool is %v, with %d connections", st.State, st.Open)
			}
		},
	},
}
