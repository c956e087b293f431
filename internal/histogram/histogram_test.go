package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// Every duration lies in a bucket whose upper end is at most that part above it.
func TestBucketsAreAsExactAsTheirPrecision(t *testing.T) {
	durations := []uint64{0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 1 << 20, 1<<20 + 1, 1<<longest - 1}
	for range 100_000 {
		durations = append(durations, rand.Uint64N(1<<longest)>>rand.UintN(longest))
	}
	slices.Sort(durations)
	for _, precision := range []uint{0, 3, 5} {
		h, last := New(precision), 0
		for _, d := range durations {
			i := bucket(d, precision)
			if i < last || i >= len(h.counts) {
				t.Fatalf("precision %d: bucket(%d) is %d, that of a shorter duration is %d", precision, d, i, last)
			}
			last = i
			if up := uint64(upper(i, precision)); up < d || up-d > d>>precision {
				t.Fatalf("precision %d: bucket(%d) is %d, which ends at %d", precision, d, i, up)
			}
		}
		if last != len(h.counts)-1 {
			t.Errorf("precision %d: the last bucket of %d is %d", precision, len(h.counts), last)
		}
	}
}

func TestQuantiles(t *testing.T) {
	for precision, part := range map[uint]time.Duration{3: 8, 5: 32} {
		h := New(precision)
		if c := h.Read(); c.Quantile(0.5) != 0 || h.Max() != 0 || c.Total() != 0 {
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
		c := h.Read()
		for q, want := range map[float64]time.Duration{
			0: 0, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second,
		} {
			if got := c.Quantile(q); got < want || got > want+want/part {
				t.Errorf("quantile %v is %v, want %v", q, got, want)
			}
		}
		if c.Total() != 1001 || h.Max() != time.Second {
			t.Errorf("count %d, max %v", c.Total(), h.Max())
		}
	}
}

func TestSinceIsWhatCameAfter(t *testing.T) {
	h := New(3)
	h.Record(time.Second)
	if first := h.Read(); first.Since(Counts{}).Total() != 1 || first.Since(first).Quantile(1) != 0 {
		t.Error("of one duration")
	}
	before := h.Read()
	h.Record(0)
	h.Record(math.MaxInt64)
	after := h.Read().Since(before)
	if after.Total() != 2 || after.Quantile(0.5) != 0 || after.Quantile(1) < time.Hour {
		t.Error(after.Total(), after.Quantile(0.5), after.Quantile(1))
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	h := New(5)
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
