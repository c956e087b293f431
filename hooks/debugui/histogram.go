package debugui

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// buckets: eight to each power of two of microseconds, so that a figure is right
// within an eighth, up to more than an hour.
const (
	perOctave = 8
	buckets   = perOctave * 30
)

// histogram counts durations. Recording takes no lock and allocates nothing.
type histogram struct {
	counts [buckets]atomic.Uint64
}

// counts is a histogram at one time.
type counts [buckets]uint64

func (h *histogram) record(d time.Duration) { h.counts[bucket(d)].Add(1) }

func (h *histogram) read(into *counts) {
	for i := range h.counts {
		into[i] = h.counts[i].Load()
	}
}

// bucket: below eight microseconds each has its own; from there on the three
// bits after the first one choose within the octave.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < perOctave {
		return int(us)
	}
	octave := bits.Len64(us) - 4
	return min(perOctave+octave*perOctave+int(us>>octave)-perOctave, buckets-1)
}

// edge is the upper end of a bucket.
func edge(i int) time.Duration {
	if i < perOctave {
		return time.Duration(i) * time.Microsecond // zero is zero: no wait at all
	}
	octave := (i - perOctave) / perOctave
	return time.Duration(uint64(i%perOctave+perOctave+1)<<octave) * time.Microsecond
}

// since is what came after before was read.
func (c *counts) since(before *counts) (diff counts) {
	for i := range c {
		diff[i] = c[i] - before[i]
	}
	return diff
}

func (c *counts) total() (n uint64) {
	for _, k := range c {
		n += k
	}
	return n
}

// quantile returns the duration that the share q is not above, or zero when
// nothing was counted.
func (c *counts) quantile(q float64) time.Duration {
	total := c.total()
	if total == 0 {
		return 0
	}
	rank := max(uint64(q*float64(total)+0.5), 1)
	for i, k := range c {
		if k >= rank {
			return edge(i)
		}
		rank -= k
	}
	return edge(buckets - 1)
}
