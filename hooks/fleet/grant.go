package fleet

import "time"

// A grant is what a member's last turn allows its pool. It is a value, so that the pool
// can be bounded by it between two turns.
type grant struct {
	cap      int       // the most
	firm     int       // of that, what it had before the last raise
	raised   time.Time // the last raise
	verified time.Time // as member's
	interval time.Duration
}

// bound is how many connections the pool may have at present, of which open exist and
// so many are being dialed without a reading yet. What all members know of it may dial
// freely. Else, after a raise that the others may not have read and beyond the
// lease, one connection is dialed at a time and a turn follows it: should the
// publication be lost, no more than that one exceeds it, and room for one is kept.
func (g grant) bound(now time.Time, open, dialing int) int {
	free := g.firm
	switch {
	case !g.fresh(now):
		free = 1
	case g.stood():
		free = g.cap
	}
	if dialing == 0 {
		open++
	}
	return max(1, min(g.cap, max(free, open)))
}

// stood reports whether the last raise was there to be read for so long that all others
// have read it. The time since the raise does not tell: the publication may have been lost
// soon after it.
func (g grant) stood() bool { return g.verified.Sub(g.raised) >= g.lease() }

// lease is for how long a reading that showed the publication may be relied on.
func (g grant) lease() time.Duration { return g.interval * 5 / 4 }

// fresh reports whether that time is not over.
func (g grant) fresh(now time.Time) bool { return recent(g.verified, now, g.lease()) }

// recent goes by both clocks: the monotonic one stands still while a machine sleeps.
func recent(at, now time.Time, d time.Duration) bool {
	wall := now.Round(0).Sub(at.Round(0))
	return !at.IsZero() && now.Sub(at) < d && wall < d && wall > -d
}
