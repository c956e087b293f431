package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var overloadRules = []Rule{
	{
		ID:     "OVL-01",
		Rule:   "one caller more than MaxWaiters fails at once with ErrSaturated",
		Why:    "a queue without end turns a slow minute into an hour of answers that no caller waits for any more",
		Source: "this pool: Config.MaxWaiters",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, _, _ := x.saturated()
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, sqlpool.ErrSaturated) || took > x.atOnce() {
				x.errorf("after %v: %v", took, err)
			}
		},
	},
	{
		ID:     "OVL-02",
		Rule:   "callers who are refused take nothing from those who wait: these are served in the end",
		Why:    "refusing is there to protect them",
		Source: "this pool: Config.MaxWaiters",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, release, waiters := x.saturated()
			for range 5 {
				_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			}
			release()
			for _, w := range waiters {
				x.mustServe("a caller who waited before", w)
			}
		},
	},
	{
		ID:     "OVL-04",
		Rule:   "callers who have given up cost those behind them nothing",
		Why:    "after a hiccup the pool would serve a queue of ghosts first",
		Source: "this pool: internal/queue",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 2})
			holds := x.holdAll(s.DB, 2)
			ctx, cancel := context.WithCancel(x.ctx)
			var ghosts []*caller
			for range 15 {
				ghosts = append(ghosts, x.call(ctx, s.DB))
			}
			x.awaitWaiting(s, 0, 15)
			cancel()
			for _, g := range ghosts {
				<-g.done
			}
			before := p.count(OpExec) + p.count(OpPing)
			for _, h := range holds {
				x.must("giving a connection back", h.Close())
			}
			x.mustServe("the caller behind 15 who gave up", x.call(x.ctx, s.DB))
			if n := p.count(OpExec) + p.count(OpPing) - before; n > 2 {
				x.errorf("%d statements were executed for one caller", n)
			}
		},
	},
	{
		ID:     "OVL-05",
		Rule:   "no caller starves under lasting load",
		Why:    "one customer's requests time out while the averages look well",
		Source: "this pool: first in, first out",
		check: func(x *trial) {
			x.probe().slow()
			s := x.open(Settings{MaxConns: 2})
			const callers, each = 8, 30
			var done [callers]atomic.Int64
			first := make(chan []int64, callers)
			var begun sync.WaitGroup // one that the scheduler has not started yet does not starve
			begun.Add(callers)
			for i := range callers {
				x.spawn(func() {
					ctx := context.WithValue(x.ctx, callerKey{}, i)
					_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
					begun.Done()
					x.must("a first statement", err)
					begun.Wait()
					for range each {
						_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
						x.must("a statement", err)
						done[i].Add(1)
					}
					var now []int64
					for j := range done {
						now = append(now, done[j].Load())
					}
					first <- now
				})
			}
			select {
			case served := <-first:
				if slices.Min(served) < each/5 {
					x.errorf("when the first of %d callers had been served %d times, the others were at %v", callers, each, served)
				}
			case <-x.ctx.Done():
				x.errorf("no caller was served %d times", each)
			}
		},
	},
	{
		ID:     "OVL-06",
		Rule:   "under twice the load that its connections can bear, a pool serves as many callers as database/sql",
		Why:    "in strict order each caller is served when its deadline is near: its statement is cut in the middle, and the work is lost",
		Source: "database/sql: its own pool serves waiters in a random order; this pool: newest first once time runs out",
		needs:  []Need{NeedSleep, NeedCancel},
		check: func(x *trial) {
			const conns = 2
			s := x.open(Settings{MaxConns: conns})
			plain := x.plain()
			plain.SetMaxOpenConns(conns)
			plain.SetMaxIdleConns(conns)
			plainServed := make(chan int64, 1)
			go func() { plainServed <- x.overload(plain, conns) }()
			got := x.overload(s.DB, conns)
			if want := <-plainServed; got < want*4/5 {
				x.errorf("%d callers were served, and %d by database/sql under the same load", got, want)
			}
		},
	},
}

// overload has twice as many callers come as so many connections can serve, each
// with a deadline of twenty statements, and returns how many of the later half
// were served.
func (x *trial) overload(db *sql.DB, conns int) int64 {
	const takes, callers = 20 * time.Millisecond, 240
	work := fmt.Sprintf(x.target.Dialect.Sleep, takes.Seconds())
	var served atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for i := range callers {
		time.Sleep(time.Until(start.Add(time.Duration(i) * takes / time.Duration(2*conns))))
		all.Go(func() {
			ctx, cancel := context.WithTimeout(x.ctx, 20*takes)
			defer cancel()
			if _, err := db.ExecContext(ctx, work); err == nil && i >= callers/2 {
				served.Add(1)
			}
		})
	}
	all.Wait()
	return served.Load()
}

// callerKey is under which a caller's number is in its context.
type callerKey struct{}

// saturated opens a pool whose connection is held and whose queue is full.
func (x *trial) saturated() (s *Subject, release func(), waiters []*caller) {
	const most = 3
	s = x.open(Settings{MaxConns: 1, Adjust: func(c *sqlpool.Config) { c.MaxWaiters = most }})
	hold := x.hold(s.DB)
	for range most {
		waiters = append(waiters, x.call(x.ctx, s.DB))
	}
	x.awaitWaiting(s, 0, most)
	return s, func() { x.must("giving the connection back", hold.Close()) }, waiters
}
