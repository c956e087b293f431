package sqlpool

import (
	"testing"
	"time"
)

// Full jitter is even over the whole span. Drawn in seconds, or drawn once, it
// would not spread the clients of a server.
func TestJitterIsEvenFromZeroToTheLimit(t *testing.T) {
	cfg := Config{}.withDefaults()
	pacer := newPacer(&cfg)
	draw := pacer.Rules.Draw
	const draws = 20000
	for _, limit := range []int64{int64(100 * time.Millisecond), int64(16 * time.Second)} {
		var tenths [10]int
		distinct := make(map[int64]bool)
		for range draws {
			d := draw(limit)
			if d < 0 || d > limit {
				t.Fatalf("%d is outside of 0…%d", d, limit)
			}
			tenths[min(int(10*d/limit), 9)]++
			distinct[d] = true
		}
		for i, n := range tenths {
			if n < draws/10*8/10 || n > draws/10*12/10 { // 2,000 ± 400 is more than 9 sigma
				t.Errorf("limit %d: %d of %d draws in tenth %d", limit, n, draws, i)
			}
		}
		if len(distinct) < draws/2 {
			t.Errorf("limit %d: only %d different delays", limit, len(distinct))
		}
	}
	if got := draw(0); got != 0 {
		t.Errorf("%d of nothing", got)
	}
}
