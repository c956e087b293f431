package debugui

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sqlpool/go/hooks/health"
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
		LifetimeMS: ms(u.cfg.Lifetime),
		Gauges: Gauges{
			MaxConns: s.MaxConns, MinIdle: s.MinIdle, Open: s.Open, Idle: s.Idle, InUse: s.InUse, Dialing: s.Dialing,
			Closing: s.Closing, Waiting: s.Waiting, OldestWaitMS: ms(s.OldestWait), PeakInUse: s.PeakInUse,
		},
		Counters: Counters{
			CreatedAt: s.CreatedAt, Acquires: s.AcquireCount, Waits: s.WaitCount, Timeouts: s.TimeoutCount, Canceled: s.CanceledCount,
			Saturated: s.SaturatedCount, Unavailable: s.UnavailableCount, Dials: s.DialCount, DialErrors: s.DialErrorCount,
			Closes: s.CloseCount, Misuses: s.MisuseCount, Generation: s.Generation,
		},
	}
	if s.DialFailures > 0 {
		v.Outage = &Outage{Failures: s.DialFailures, ForMS: ms(s.FailingFor), NextDialMS: ms(s.NextDial)}
	}
	v.Holders = u.holders(pool)
	leaked := make(map[uint64]bool)
	for _, h := range v.Holders {
		if h.Leaked {
			leaked[h.Conn] = true
		}
	}
	v.Gauges.Leaks = len(leaked)
	v.Conns = make([]Conn, len(s.Conns))
	for i, c := range s.Conns {
		v.Conns[i] = Conn{
			ID: c.ID, State: stateOf(c, leaked[c.ID], u.announced(c)), ForMS: ms(c.For), AgeMS: ms(c.Age), TookMS: ms(c.Took),
			Loans: c.Loans, Uses: c.Uses, Statement: u.statement(c.LastStatement), InTransaction: c.InTransaction,
		}
	}
	if list := u.cfg.Settings; len(list) > 0 {
		v.Config = settingsOf(list)
	} else {
		v.Config = settingsOf(pool.Settings())
	}
	v.Advice = u.advise(pool.Config())
	u.recall(&v, since)
	v.Status = u.status(s, v.Status.Since)
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
			of     *histogram
			before *counts
			into   *Quantiles
		}{
			{&u.acquire, &before.acquire, &v.Latency.Acquire},
			{&u.held, &before.held, &v.Latency.Held},
			{&u.dial, &before.dial, &v.Latency.Dial},
		} {
			var all counts
			h.of.read(&all)
			diff := all.since(h.before)
			*h.into = Quantiles{
				Count: diff.total(), P50: ms(diff.quantile(.5)), P90: ms(diff.quantile(.9)), P99: ms(diff.quantile(.99)), Max: ms(diff.quantile(1)),
			}
		}
	}
}

// holders lists the loans that are out, from the detector, which knows their
// stacks, or from the pool.
func (u *UI) holders(pool *sqlpool.Pool) []Holder {
	all := []Holder{}
	if u.cfg.Leaks == nil {
		for _, h := range pool.Holders() {
			all = append(all, Holder{
				Conn: h.Conn, HeldMS: ms(h.Held), InTransaction: h.InTransaction, Statement: u.statement(h.LastStatement), Origin: h.Origin,
			})
		}
		return all
	}
	leaks := u.cfg.Leaks.Leaks()
	for i, r := range u.cfg.Leaks.Holders() {
		h := Holder{
			Conn: r.Conn, HeldMS: ms(r.Held), Leaked: i < leaks, InTransaction: r.InTransaction, Statement: u.statement(r.LastStatement),
		}
		for _, f := range r.Stack {
			h.Stack = append(h.Stack, Frame{f.Function, f.File, f.Line})
		}
		if len(h.Stack) > 0 {
			h.Origin = fmt.Sprintf("%s:%d (%s)", h.Stack[0].File, h.Stack[0].Line, h.Stack[0].Function)
		}
		all = append(all, h)
	}
	return all
}

// announced reports whether the borrower has been told of the loan. Only the
// hooks know.
func (u *UI) announced(c sqlpool.ConnInfo) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := u.announcements[c.ID]
	return last == nil || last.Load() == c.Loans
}

// stateOf is a connection's state as the page has it.
func stateOf(c sqlpool.ConnInfo, leaked, announced bool) string {
	switch {
	case leaked && c.State == sqlpool.ConnInUse:
		return "leaked"
	case c.State == sqlpool.ConnChecking, c.State == sqlpool.ConnGranted, c.State == sqlpool.ConnInUse && !announced:
		return "validating"
	}
	return string(c.State)
}

// status is the monitor's judgement, or what the pool's state says. since is
// when the pool's own state began, as far as it is known.
func (u *UI) status(s sqlpool.Snapshot, since time.Time) Status {
	st := Status{State: s.State.String(), Since: since, Reasons: []string{}, Level: Healthy}
	if s.LastError != "" {
		st.LastError = u.redact(s.LastError)
		st.LastErrorAt = &s.LastErrorAt
	}
	switch {
	case s.State == sqlpool.StateClosed:
		st.Level = Closed
		st.Reasons = append(st.Reasons, "the pool is closed")
		return st
	case u.cfg.Health != nil:
		judged := u.cfg.Health.Status()
		st.Level, st.Since = judged.State.String(), judged.Since
		if judged.State == health.Healthy && s.Paused {
			st.Since = since
		}
		for _, r := range judged.Reasons {
			st.Reasons = append(st.Reasons, u.redact(r))
		}
	case s.State == sqlpool.StateDown && s.Idle == 0, s.State == sqlpool.StateRetrying && s.Idle+s.InUse == 0:
		st.Level = Unhealthy
		st.Reasons = append(st.Reasons, "the database is unreachable: "+st.LastError)
	case s.State == sqlpool.StateDown, s.State == sqlpool.StateRetrying:
		st.Level = Degraded
		st.Reasons = append(st.Reasons, "dials fail: "+st.LastError)
	}
	if s.Paused {
		if st.Level == Healthy {
			st.Level = Paused
		}
		st.Reasons = append(st.Reasons, "the pool is paused: acquires wait until it is resumed")
	}
	return st
}
