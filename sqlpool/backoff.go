package sqlpool

import "time"

// Backoff paces the dials of an outage: the n-th delay is drawn evenly from
// zero to First·Factorⁿ⁻¹, at most Max ("full jitter", M. Brooker, AWS
// Architecture Blog 2015: it spreads the clients of one server best). While
// acquires wait or arrive, the next dial is nearer, whatever this says. If the pool
// has no connection left, it is away at most a twentieth of the time that the outage
// has lasted, from First/4 to 200 ms. With connections left, or after a refusal that
// will be the same again (a wrong password), it is at most a quarter of that time
// away, from First (or 200 ms, if that is more) to a second. A zero field means its
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
