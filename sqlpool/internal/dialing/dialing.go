// Package dialing decides when a pool may dial and when waiting for the
// database is over. It has no clock, no lock, no goroutine and no timer: its
// one type, Pacer, is told what happened and when, and answers with numbers.
//
// Times are nanoseconds on the caller's clock.
package dialing

import (
	"math"
	"time"
)

// Never is a time that does not come.
const Never = int64(math.MaxInt64)

// Rules are what a Pacer goes by. They do not change during its life.
type Rules struct {
	// After the n-th failure in a row the next dial comes after a delay that
	// Draw takes from zero to First·Factorⁿ⁻¹, at most Max.
	First, Max time.Duration
	Factor     float64

	// Overtake is how long a dial of an outage is silent before another one starts
	// beside it, while a caller waits or has asked.
	Overtake time.Duration

	// Draw returns a number from 0 to limit.
	Draw func(limit int64) int64

	// Patience is how long callers wait while dials fail and no connection
	// proves that the database is there. Then the circuit opens.
	Patience time.Duration
}

// limit is the longest delay after the given number of failures in a row, the
// first failure being 1.
func (r *Rules) limit(failures int) int64 {
	grown := float64(r.First) * math.Pow(r.Factor, float64(failures-1))
	if grown >= float64(r.Max) { // also when the power overflowed to +Inf
		return int64(r.Max)
	}
	return int64(grown)
}

// later is t+d, or Never when that overflows.
func later(t int64, d time.Duration) int64 {
	if sum := t + int64(d); sum >= t {
		return sum
	}
	return Never
}
