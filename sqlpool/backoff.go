package sqlpool

import "time"

// Backoff paces the dials of an outage: the n-th delay is drawn evenly from
// zero to First·Factorⁿ⁻¹, at most Max ("full jitter", M. Brooker, AWS
// Architecture Blog 2015: it spreads the clients of one server best). While
// acquires wait or arrive and the pool has no connection left, the next dial is
// never more than 200 ms (or First, if that is more, up to a second) away, whatever
// this says. With connections left, or after a refusal that will be the same again
// (a wrong password), it is no further away than a quarter of the time that the
// outage has lasted, within the same 200 ms and a second. A zero field means its
// default.
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
