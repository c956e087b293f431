// Package histogram counts durations from many goroutines at once, cheaply enough for a hook on the hot path.
package histogram

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// longest is the power of two of nanoseconds from which durations are no longer told apart: 73 minutes.
const longest = 42

// Histogram is a count of durations by size.
type Histogram struct {
	bits   uint
	counts []atomic.Uint64
	max    atomic.Int64
}

// New returns a histogram with 2^precision buckets to each power of two: a quantile is at most that part of itself too
// long, with 3 an eighth, with 5 a 32nd.
func New(precision uint) *Histogram {
	return &Histogram{bits: precision, counts: make([]atomic.Uint64, (longest-precision+1)<<precision)}
}

// Record counts one duration; a negative one counts as zero. Any goroutine; it allocates nothing.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[min(bucket(uint64(d), h.bits), len(h.counts)-1)].Add(1)
	for seen := h.max.Load(); int64(d) > seen && !h.max.CompareAndSwap(seen, int64(d)); {
		seen = h.max.Load()
	}
}

// Max is the longest duration.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Read returns what was counted so far.
func (h *Histogram) Read() Counts {
	c := Counts{bits: h.bits, n: make([]uint64, len(h.counts))}
	for i := range h.counts {
		c.n[i] = h.counts[i].Load()
	}
	return c
}

// Counts is a histogram at one time. It does not change. The zero value is an empty one.
type Counts struct {
	bits uint
	n    []uint64
}

// Since is what came after before was read, from the same histogram.
func (c Counts) Since(before Counts) Counts {
	if len(before.n) == 0 {
		return c
	}
	diff := Counts{bits: c.bits, n: make([]uint64, len(c.n))}
	for i := range c.n {
		diff.n[i] = c.n[i] - before.n[i]
	}
	return diff
}

// Total is how many durations there are.
func (c Counts) Total() (n uint64) {
	for _, k := range c.n {
		n += k
	}
	return n
}

// Quantile is a duration that the share q of all durations does not exceed (0.99 is p99), too long by its bucket's
// width at most; zero when there are none. A duration longer than 73 minutes counts as 73 minutes.
func (c Counts) Quantile(q float64) time.Duration {
	total := c.Total()
	if total == 0 {
		return 0
	}
	rank := min(max(uint64(q*float64(total)+0.5), 1), total)
	for i, k := range c.n {
		if rank <= k {
			return upper(i, c.bits)
		}
		rank -= k
	}
	panic("histogram: counts do not add up to their total")
}

// bucket numbers the buckets in the order of their durations: below 2^precision one for each nanosecond, then
// 2^precision for each further power of two.
func bucket(d uint64, precision uint) int {
	shift := uint(max(bits.Len64(d)-int(precision)-1, 0))
	return int(shift<<precision) + int(d>>shift)
}

// upper is the longest duration of a bucket.
func upper(i int, precision uint) time.Duration {
	if i < 2<<precision {
		return time.Duration(i)
	}
	shift := uint(i>>precision) - 1
	return time.Duration((uint64(i)-uint64(shift)<<precision+1)<<shift - 1)
}
