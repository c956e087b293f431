package debugui

import (
	"time"

	"github.com/sqlpool/go/internal/histogram"
	"github.com/sqlpool/go/sqlpool"
)

const (
	mostSamples = 300                    // five minutes, at the default SweepInterval
	least       = 900 * time.Millisecond // between samples that a reader asks for
	marks       = 12                     // readings of the histograms, this far apart: percentiles are of
	markEvery   = 5 * time.Second        // the last minute
)

// samples is what the charts show, the oldest first.
type samples struct {
	list []Sample
	last reading   // at the last sample
	mark []reading // the oldest first
}

// reading is the histograms at one time.
type reading struct {
	at                  time.Time
	stats               sqlpool.Stats
	acquire, held, dial histogram.Counts
}

// sample reads the pool for the charts and looks for what has changed.
func (u *UI) sample(now time.Time) {
	pool := u.pool.Load()
	if pool == nil {
		return
	}
	u.sampling.Lock()
	defer u.sampling.Unlock()
	held := u.leaking() // symbolises: not under mu
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.readLocked(pool, now)
	u.compareLocked(r.stats, held, now)
	u.samples.add(&r, u.hooked)
}

// freshen takes a sample for a reader, when the last one is too old for a
// live chart: the sweep may be slow, and with Handler there is none.
func (u *UI) freshen(now time.Time) {
	u.mu.Lock()
	old := now.Sub(u.samples.last.at) >= least
	u.mu.Unlock()
	if old {
		u.sample(now)
	}
}

func (u *UI) readLocked(pool *sqlpool.Pool, now time.Time) (r reading) {
	r.at, r.stats = now, pool.Stats()
	r.acquire, r.held, r.dial = u.acquire.Read(), u.held.Read(), u.dial.Read()
	return r
}

func (s *samples) add(r *reading, hooked bool) {
	before := s.last
	if before.at.IsZero() {
		before.at, before.stats = r.stats.CreatedAt, sqlpool.Stats{}
	}
	st := r.stats
	sample := Sample{
		Seq: 1, At: r.at, State: st.State.String(), Max: st.MaxConns, InUse: st.InUse, Idle: st.Idle, Dialing: st.Dialing, Closing: st.Closing, Waiting: st.Waiting,
	}
	if n := len(s.list); n > 0 {
		sample.Seq = s.list[n-1].Seq + 1
	}
	if seconds := r.at.Sub(before.at).Seconds(); seconds > 0 {
		sample.Loans = grown(st.AcquireCount, before.stats.AcquireCount) / seconds
		sample.Errors = grown(refusedBy(st), refusedBy(before.stats)) / seconds
	}
	wait, held := r.acquire.Since(before.acquire), r.held.Since(before.held)
	sample.Wait50, sample.Wait99 = ms(wait.Quantile(.5)), ms(wait.Quantile(.99))
	sample.Held50, sample.Held99 = ms(held.Quantile(.5)), ms(held.Quantile(.99))
	if loans := st.AcquireCount - min(before.stats.AcquireCount, st.AcquireCount); !hooked && loans > 0 {
		sample.Wait50 = ms((st.WaitTime - before.stats.WaitTime) / time.Duration(loans))
	}
	if len(s.list) == mostSamples {
		s.list = append(s.list[:0], s.list[1:]...)
	}
	s.list = append(s.list, sample)
	s.last = *r
	if n := len(s.mark); n == 0 || r.at.Sub(s.mark[n-1].at) >= markEvery {
		if n == marks {
			s.mark = append(s.mark[:0], s.mark[1:]...)
		}
		s.mark = append(s.mark, *r)
	}
}

// grown is by how much a counter grew. The pool takes counts back that turn out
// to be none.
func grown(now, before uint64) float64 { return float64(now - min(before, now)) }

func refusedBy(s sqlpool.Stats) uint64 {
	return s.TimeoutCount + s.SaturatedCount + s.UnavailableCount
}

// ms is a duration in milliseconds, to three digits after the point.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
