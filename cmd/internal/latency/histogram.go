// Package latency counts durations from many goroutines at once, cheaply enough for a hook on the hot path.
package latency

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// subBits makes 2^subBits buckets of every power of two: a quantile is exact to 1/32.
	subBits = 5
	buckets = (64 - subBits) << subBits
)

// Histogram is a count of durations by size. The zero value is ready; a Histogram must not be copied.
type Histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64
}

// Record counts one duration; a negative one counts as zero. Any goroutine; it allocates nothing.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))].Add(1)
	for seen := h.max.Load(); int64(d) > seen && !h.max.CompareAndSwap(seen, int64(d)); {
		seen = h.max.Load()
	}
}

// Count is how many durations there are.
func (h *Histogram) Count() (n uint64) {
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Max is the longest duration.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile is a duration that the share q of all durations does not exceed (0.99 is p99), at most 1/32 too long; zero
// when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank := min(uint64(q*float64(total)), total-1)
	for i := range h.counts {
		n := h.counts[i].Load()
		if rank < n {
			return min(upper(i), h.Max())
		}
		rank -= n
	}
	return h.Max() // counts grew while they were read
}

// bucket numbers the buckets in the order of their durations: below 2^subBits one for each nanosecond, then 2^subBits
// for each further power of two.
func bucket(d uint64) int {
	shift := max(bits.Len64(d)-subBits-1, 0)
	return shift<<subBits + int(d>>shift)
}

// upper is the longest duration of a bucket.
func upper(i int) time.Duration {
	if i < 2<<subBits {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	return time.Duration((uint64(i-shift<<subBits)+1)<<shift - 1)
}
