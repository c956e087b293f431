package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// Every duration lies in a bucket whose upper end is at most 1/32 above it.
func TestBucketsAreExactTo1In32(t *testing.T) {
	durations := []uint64{0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 1 << 20, 1<<20 + 1, math.MaxInt64 - 1, math.MaxInt64}
	for range 100_000 {
		durations = append(durations, rand.Uint64N(math.MaxInt64)>>rand.UintN(63))
	}
	slices.Sort(durations)
	last := 0
	for _, d := range durations {
		i := bucket(d)
		if i < last || i >= buckets {
			t.Fatalf("bucket(%d) is %d, that of a shorter duration is %d", d, i, last)
		}
		last = i
		if up := uint64(upper(i)); up < d || up-d > d/32 {
			t.Fatalf("bucket(%d) is %d, which ends at %d", d, i, up)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty histogram has durations")
	}
	var record sync.WaitGroup
	for part := range 4 {
		record.Go(func() {
			for i := part; i < 1000; i += 4 {
				h.Record(time.Duration(i+1) * time.Millisecond)
			}
		})
	}
	record.Wait()
	h.Record(-time.Second)
	for q, want := range map[float64]time.Duration{
		0: 0, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second,
	} {
		if got := h.Quantile(q); got < want || got > want+want/32 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.Count() != 1001 || h.Max() != time.Second {
		t.Errorf("count %d, max %v", h.Count(), h.Max())
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
