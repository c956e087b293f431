package debugui

import (
	"cmp"
	"slices"
	"time"

	"github.com/sqlpool/go/internal/histogram"
	"github.com/sqlpool/go/sqlpool"
)

// look puts a View together, with the samples after since.
func (u *UI) look(pool *sqlpool.Pool, since uint64) View {
	now := time.Now()
	u.freshen(now)
	s := pool.Snapshot()
	v := View{
		At: now, Pool: s.Name, Paused: s.Paused,
		Controls: u.cfg.Controls, Recycling: u.recycling.Load(), Hooked: u.hooked, Leaks: u.cfg.Leaks != nil,
		LifetimeMS: ms(u.cfg.Lifetime), Process: process(),
		Gauges: Gauges{
			MaxConns: s.MaxConns, MinIdle: s.MinIdle, Open: s.Open, Idle: s.Idle, InUse: s.InUse, Dialing: s.Dialing,
			Closing: s.Closing, Waiting: s.Waiting, OldestWaitMS: ms(s.OldestWait), PeakInUse: s.PeakInUse,
		},
		Counters: Counters{
			CreatedAt: s.CreatedAt, Acquires: s.AcquireCount, Waits: s.WaitCount, Timeouts: s.TimeoutCount, Canceled: s.CanceledCount,
			Saturated: s.SaturatedCount, Unavailable: s.UnavailableCount, Dials: s.DialCount, DialErrors: s.DialErrorCount,
			Releases: s.ReleaseCount, WaitMS: ms(s.WaitTime), MaxWaitMS: ms(s.MaxWait), Closes: s.CloseCount, Misuses: s.MisuseCount, Generation: s.Generation,
		},
	}
	if s.DialFailures > 0 {
		v.Outage = &Outage{Failures: s.DialFailures, ForMS: ms(s.FailingFor), NextDialMS: ms(s.NextDial)}
		v.Outage.Text = v.Outage.words()
	}
	if u.cfg.Fleet != nil {
		shared := u.cfg.Fleet.Status()
		v.Fleet = &shared
	}
	v.Holders = u.holders(pool)
	leaked := make(map[uint64]bool)
	for _, h := range v.Holders {
		if h.Leaked {
			leaked[h.Conn] = true
		}
	}
	findBroken(v.Holders, s.Conns)
	v.Gauges.Leaks = len(leaked)
	v.Conns = make([]Conn, len(s.Conns))
	for i, c := range s.Conns {
		v.Conns[i] = Conn{
			ID: c.ID, State: stateOf(c, leaked[c.ID], u.announced(c)), ForMS: ms(c.For), AgeMS: ms(c.Age), TookMS: ms(c.Took),
			Loans: c.Loans, Uses: c.Uses, Statement: u.statement(c.LastStatement), InTransaction: c.InTransaction,
			Activity: string(c.Activity), PID: c.Backend.PID, Server: c.Backend.Server, Role: c.Backend.Role,
		}
	}
	v.Config = settingsOf(u.settings(pool))
	v.Advice = append(u.advise(pool.Config()), notes(v.Config)...)
	u.recall(&v, since)
	v.Status = u.status(s, v.Status.Since)
	v.Status.Steps = steps(&v, s)
	return v
}

// recall adds what the UI has kept.
func (u *UI) recall(v *View, since uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v.Status.Since = u.seen.stateAt
	if v.Paused {
		v.Status.Since = u.seen.pauseAt
	}
	v.Samples = []Sample{}
	for _, s := range u.samples.list {
		if s.Seq > since {
			v.Samples = append(v.Samples, s)
		}
	}
	v.Closes = make([]Closes, 0, len(u.closes))
	for reason, n := range u.closes {
		v.Closes = append(v.Closes, Closes{reason, n})
	}
	slices.SortFunc(v.Closes, func(a, b Closes) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	v.Events = make([]Event, 0, len(u.events.list))
	for _, e := range slices.Backward(u.events.list) {
		v.Events = append(v.Events, Event{
			At: e.At, Last: e.Last, Kind: e.Kind, Level: e.Level, Text: e.Text, Conn: e.Conn, Count: e.Count,
		})
	}
	if u.hooked {
		v.Latency = &Latency{}
		var before reading // of a minute ago; a younger pool is shown as a whole
		for _, mark := range u.samples.mark {
			if v.At.Sub(mark.at) >= (marks-1)*markEvery {
				before = mark
			}
		}
		for _, h := range []struct {
			of     *histogram.Histogram
			before histogram.Counts
			into   *Quantiles
		}{
			{u.acquire, before.acquire, &v.Latency.Acquire},
			{u.held, before.held, &v.Latency.Held},
			{u.dial, before.dial, &v.Latency.Dial},
		} {
			diff := h.of.Read().Since(h.before)
			*h.into = Quantiles{
				Count: diff.Total(), P50: ms(diff.Quantile(.5)), P90: ms(diff.Quantile(.9)), P99: ms(diff.Quantile(.99)), Max: ms(diff.Quantile(1)),
			}
		}
	}
}
