package fleet

import (
	"math"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// demand is how many connections a pool would like to have: the most that were in use
// or waited for since the turn before the last. So it rises at once, and falls when two
// turns have seen less.
type demand struct {
	now, last int
	least     int // MinIdle and one more, within reason
	waitTime  time.Duration
	at        time.Time
}

// sample takes in the pool's figures.
func (d *demand) sample(s sqlpool.Stats, now time.Time) {
	n := s.InUse + s.Waiting
	if passed := now.Sub(d.at); !d.at.IsZero() && passed > 0 {
		// The mean length of the queue since the last look (Little's law).
		n = max(n, s.InUse+int(math.Ceil(float64(s.WaitTime-d.waitTime)/float64(passed)-0.05)))
	}
	d.now = max(d.now, n)
	d.waitTime, d.at = s.WaitTime, now
}

// turn returns the demand and begins a new window.
func (d *demand) turn() int {
	n := max(d.now, d.last, d.least, 1)
	d.last, d.now = d.now, 0
	return n
}
