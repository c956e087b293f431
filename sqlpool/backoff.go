package sqlpool

import "time"

// Backoff paces the dials of an outage: the n-th delay is drawn evenly from
// zero to First·Factorⁿ⁻¹, at most Max ("full jitter", M. Brooker, AWS
// Architecture Blog 2015: it spreads the clients of one server best). While
// acquires wait or arrive, the next dial is never more than a second away,
// whatever this says, and in the first seconds of an outage no more than a
// quarter of the time that it has lasted, but 200 ms or First at least. A zero field means its default.
type Backoff struct {
	First    time.Duration // the first delay's limit; default 100 ms
	Max      time.Duration // the limit never grows past this; default 16 s
	Factor   float64       // how the limit grows; default 2
	NoJitter bool          // wait the whole limit: a predictable schedule, for one client alone
}

func (b Backoff) withDefaults() Backoff {
	setDefault(&b.First, 100*time.Millisecond)
	setDefault(&b.Max, 16*time.Second)
	setDefault(&b.Factor, 2)
	return b
}
