package debugui

import (
	"fmt"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// seen is what was last known of things for which there is no hook: a change of one
// is an event.
type seen struct {
	any     bool
	stats   sqlpool.Stats
	stateAt time.Time
	pauseAt time.Time
	leaks   map[uint64]bool // connections whose loan is known to be held too long
}

// compareLocked notes what has changed since the last sample.
func (u *UI) compareLocked(now sqlpool.Stats, leaks map[uint64]bool, at time.Time) {
	before, first := u.seen.stats, !u.seen.any
	add := func(kind, level, format string, args ...any) {
		u.events.add(event{At: at, Kind: kind, Level: level, Text: fmt.Sprintf(format, args...)})
	}
	count := func(kind, level string, now, before uint64, what string) {
		if n := now - min(before, now); n > 0 {
			u.events.add(event{At: at, Kind: kind, Level: level, Text: what, Count: n})
		}
	}
	refused := func(now, before uint64, what string) { count(KindRefused, Degraded, now, before, what) }
	if !first {
		if !u.hooked { // no hook reports these
			count(KindDialFailed, "", now.DialErrorCount, before.DialErrorCount, u.redact(now.LastError))
			count(KindOpened, "", now.DialCount-now.DialErrorCount, before.DialCount-before.DialErrorCount, "")
			count(KindClosed, "", now.CloseCount, before.CloseCount, "")
			if now.State != before.State {
				u.seen.stateAt = at
				add(KindState, levelOf(now.State), "%v → %v", before.State, now.State)
			}
		}
		if now.Generation != before.Generation {
			add(KindGeneration, Degraded, "generation %d: idle connections are proved alive before they are lent", now.Generation)
		}
		refused(now.TimeoutCount, before.TimeoutCount, "acquires timed out")
		refused(now.SaturatedCount, before.SaturatedCount, "acquires were refused: too many wait")
		refused(now.UnavailableCount, before.UnavailableCount, "acquires were refused: the database is unavailable")
		if now.MaxConns != before.MaxConns || now.MinIdle != before.MinIdle {
			add(KindControl, "", "resized: MaxConns %d → %d, MinIdle %d → %d", before.MaxConns, now.MaxConns, before.MinIdle, now.MinIdle)
		}
	}
	if now.Paused != before.Paused {
		u.seen.pauseAt = at
		if now.Paused {
			add(KindControl, Degraded, health.ReasonPaused)
		} else {
			add(KindControl, "", "resumed")
		}
	}
	for id := range leaks {
		if !u.seen.leaks[id] {
			u.events.add(event{At: at, Kind: KindLeak, Level: Degraded, Text: "held too long", Conn: id, alone: true})
		}
	}
	for id := range u.seen.leaks {
		if !leaks[id] {
			u.events.add(event{At: at, Kind: KindLeak, Level: Healthy, Text: "no longer held", Conn: id, alone: true})
		}
	}
	if first && u.seen.stateAt.IsZero() {
		u.seen.stateAt = now.CreatedAt
	}
	u.seen.any, u.seen.stats, u.seen.leaks = true, now, leaks
}

// leaking returns the connections whose loan has been found leaking.
func (u *UI) leaking() map[uint64]bool {
	if u.cfg.Leaks == nil || u.cfg.Leaks.Leaks() == 0 {
		return nil
	}
	found := make(map[uint64]bool)
	for _, r := range u.cfg.Leaks.Holders() {
		if r.Leaked {
			found[r.Conn] = true
		}
	}
	return found
}
