package sqlpool

import (
	"math"
	"testing"
	"time"
)

func TestBackoffDoublesItsLimitUpToMax(t *testing.T) {
	for _, schedule := range []struct {
		name   string
		of     Backoff
		limits []time.Duration
	}{
		{"default", Backoff{}.withDefaults(), []time.Duration{
			100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
			3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 16 * time.Second, 16 * time.Second}},
		{"slow", SlowBackoff(), []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 16e9}},
		{"constant", Backoff{First: time.Second, Max: time.Minute, Factor: 1}, []time.Duration{1e9, 1e9, 1e9}},
	} {
		for i, want := range schedule.limits {
			if got := schedule.of.limit(i + 1); got != want {
				t.Errorf("%s: limit after %d failures is %v, want %v", schedule.name, i+1, got, want)
			}
		}
		if got := schedule.of.limit(1 << 30); got > schedule.of.Max {
			t.Errorf("%s: the limit grows past Max to %v", schedule.name, got)
		}
	}
}

// Full jitter is even over the whole span. Drawn in seconds, or drawn once, it
// would not spread the clients of a server.
func TestJitterIsEvenFromZeroToTheLimit(t *testing.T) {
	b := Backoff{}.withDefaults()
	const draws = 20000
	for _, failures := range []int{1, 3, 9, 50} {
		limit := b.limit(failures)
		var tenths [10]int
		distinct := make(map[time.Duration]bool)
		for range draws {
			d := b.delay(failures)
			if d < 0 || d > limit {
				t.Fatalf("after %d failures: %v is outside of 0…%v", failures, d, limit)
			}
			tenths[min(int(10*d/limit), 9)]++
			distinct[d] = true
		}
		for i, n := range tenths {
			if n < draws/10*8/10 || n > draws/10*12/10 { // 2,000 ± 400 is more than 9 sigma
				t.Errorf("after %d failures: %d of %d draws in tenth %d", failures, n, draws, i)
			}
		}
		if len(distinct) < draws/2 {
			t.Errorf("after %d failures: only %d different delays", failures, len(distinct))
		}
	}
}

func TestBackoffWithoutJitterWaitsTheWholeLimit(t *testing.T) {
	b := Backoff{First: time.Second, Max: 4 * time.Second, Factor: 2, NoJitter: true}
	for i, want := range []time.Duration{1e9, 2e9, 4e9, 4e9} {
		if got := b.delay(i + 1); got != want {
			t.Errorf("delay after %d failures is %v, want %v", i+1, got, want)
		}
	}
}

func TestTheLongestDurationsDoNotOverflow(t *testing.T) {
	b := Backoff{First: math.MaxInt64, Max: math.MaxInt64, Factor: 2}
	if d := b.delay(3); d < 0 {
		t.Errorf("delay %v", d)
	}
	if got := later(1, math.MaxInt64); got != math.MaxInt64 {
		t.Errorf("later wraps around to %d", got)
	}
}
