package sqlpool

import (
	"testing"
	"time"
)

// While somebody waits, the next probe is a quarter of the outage's age away at
// most, between 200 ms (or the backoff's first delay) and a second.
func TestAWantedProbeIsAsFarAwayAsTheOutageIsOld(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct{ first, age, backoff, want time.Duration }{
		{100 * ms, 0, 16000 * ms, 200 * ms},
		{100 * ms, 0, 70 * ms, 70 * ms},
		{100 * ms, 800 * ms, 16000 * ms, 200 * ms},
		{100 * ms, 2000 * ms, 16000 * ms, 500 * ms},
		{100 * ms, 3600 * 1000 * ms, 16000 * ms, 1000 * ms},
		{500 * ms, 0, 16000 * ms, 500 * ms},
		{1000 * ms, 0, 16000 * ms, 1000 * ms},
		{5000 * ms, 0, 16000 * ms, 1000 * ms},
	} {
		p := &Pool{cfg: Config{Backoff: Backoff{First: tt.first}}}
		p.outage = outage{failures: 3, since: 7, lastAt: 7 + int64(tt.age), wanted: true}
		p.outage.nextAt = p.outage.lastAt + int64(tt.backoff)
		if got := time.Duration(p.probeAtLocked() - p.outage.lastAt); got != tt.want {
			t.Errorf("outage of %v, first delay %v: %v away, want %v", tt.age, tt.first, got, tt.want)
		}
	}
}
