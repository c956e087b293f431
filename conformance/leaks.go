package conformance

import (
	"context"
	"errors"
	"strings"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

var leakRules = []Rule{
	{
		ID:     "LEAK-01",
		Rule:   "a connection that is not given back is reported once, with the function that borrowed it and its last statement",
		Why:    "without the line of code a leak is found by reading all of it",
		Source: "this pool: hooks/leak",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, watch := x.leaking(leak.Config{}, 1)
			conn := borrowForTooLong(x, s.DB)
			x.until("the leak is reported", func() bool { return len(watch.reports.all()) > 0 })
			x.sweeps(watch, 3)
			x.must("giving the connection back", conn.Close())
			var held []leak.Report
			for _, r := range watch.reports.all() {
				if !r.Returned {
					held = append(held, r)
				}
			}
			if len(held) != 1 {
				x.errorf("one leak was reported %d times", len(held))
			}
			if text := held[0].String(); !strings.Contains(text, "borrowForTooLong") || !strings.Contains(text, x.target.Dialect.One) {
				x.errorf("the report names neither the borrower nor the statement: %s", text)
			}
		},
	},
	{
		ID:     "LEAK-02",
		Rule:   "what was reported and comes back after all is reported as returned",
		Why:    "a slow report is not a leak: who is paged must see that it is over",
		Source: "this pool: leak.Report.Returned",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, watch := x.leaking(leak.Config{}, 1)
			conn := borrowForTooLong(x, s.DB)
			x.until("the leak is reported", func() bool { return len(watch.reports.all()) > 0 })
			x.must("giving the connection back", conn.Close())
			x.until("the return is reported", func() bool {
				all := watch.reports.all()
				return all[len(all)-1].Returned
			})
		},
	},
	{
		ID:     "LEAK-03",
		Rule:   "nothing is reported of loans that end in time, under any load",
		Why:    "a detector that cries wolf is switched off",
		Source: "this pool: hooks/leak",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, watch := x.leaking(leak.Config{After: x.target.Limit}, 3)
			for range 8 {
				x.spawn(func() {
					for range 20 {
						x.use("a statement", s.DB)
					}
				})
			}
			x.work.Wait()
			x.sweeps(watch, 3)
			if n := len(watch.reports.all()); n > 0 || watch.Leaks() > 0 || watch.out() > 0 {
				x.errorf("%d reports, %d leaks and %d holders, and every loan has ended", n, watch.Leaks(), watch.out())
			}
		},
	},
	{
		ID:     "LEAK-04",
		Rule:   "the number of leaks is that of the connections held too long now",
		Why:    "alerts are set on it, and must end when the leak does",
		Source: "this pool: leak.Detector.Leaks",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, watch := x.leaking(leak.Config{}, 3)
			for n := range 2 {
				conn := borrowForTooLong(x, s.DB)
				x.until("the leaks are counted", func() bool { return watch.Leaks() == n+1 })
				defer conn.Close()
				defer func() { x.until("a returned leak is not counted", func() bool { return watch.Leaks() <= n+1 }) }()
			}
		},
	},
	{
		ID:     "LEAK-05",
		Rule:   "a leak makes the pool's health degraded, in words, and its end healthy",
		Why:    "the pool works until the last connection has leaked: that is late to hear of it",
		Source: "this pool: health.Config.Leaks",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			leaks := leak.New(leak.Config{After: soon})
			monitor := health.New(health.Config{Leaks: leaks})
			s := x.open(Settings{MaxConns: 2, Hooks: []sqlpool.Hooks{leaks.Hooks(), monitor.Hooks()}, Adjust: sweepFast})
			conn := borrowForTooLong(x, s.DB)
			x.until("the health is degraded", func() bool {
				status := monitor.Status()
				return status.State == health.Degraded && strings.Contains(strings.Join(status.Reasons, " "), "held too long")
			})
			x.must("giving the connection back", conn.Close())
			x.until("the health is good again", func() bool { return monitor.Status().State == health.Healthy })
		},
	},
	{
		ID:     "LEAK-06",
		Rule:   "with Reclaim a leaked connection is cut and its slot serves the next caller; the borrower's next statement fails",
		Why:    "a leak at night would otherwise wait for the morning, pool and all",
		Source: "this pool: leak.Config.Reclaim",
		needs:  []Need{NeedPool, NeedAbort},
		check: func(x *trial) {
			s, _ := x.leaking(leak.Config{Reclaim: true, After: x.atOnce() / 4}, 1) // time for a first statement on a busy machine
			conn := borrowForTooLong(x, s.DB)
			x.mustServe("the caller behind a leaked connection", x.call(x.ctx, s.DB))
			x.until("the borrower cannot use the connection any more", func() bool {
				_, err := conn.ExecContext(x.ctx, x.target.Dialect.One)
				return err != nil
			})
			_ = conn.Close()
		},
	},
	{
		ID:     "LEAK-07",
		Rule:   "the error of a timed out acquire names the function that holds the connection",
		Why:    "the victims of a leak know who did it",
		Source: "this pool: Holder.Origin",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s, _ := x.leaking(leak.Config{After: x.target.Limit}, 1)
			conn := borrowForTooLong(x, s.DB)
			defer conn.Close()
			ctx, cancel := context.WithTimeout(x.ctx, soon)
			defer cancel()
			_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
			var acquire *sqlpool.AcquireError
			if !errors.As(err, &acquire) || !strings.Contains(err.Error(), "borrowForTooLong") {
				x.errorf("the caller is told: %v", err)
			}
		},
	},
	{
		ID:     "LEAK-08",
		Rule:   "rows that are never closed are reported with the function that asked for them",
		Why:    "it is the commonest leak, and the query looks innocent",
		Source: "this pool: hooks/leak",
		needs:  []Need{NeedPool, NeedSeries},
		check: func(x *trial) {
			s, watch := x.leaking(leak.Config{}, 1)
			rows := queryAndForget(x, s.DB)
			x.until("the leak is reported", func() bool { return len(watch.reports.all()) > 0 })
			x.must("closing the rows", rows.Close())
			if text := watch.reports.all()[0].String(); !strings.Contains(text, "queryAndForget") {
				x.errorf("the report does not name the function: %s", text)
			}
		},
	},
}
