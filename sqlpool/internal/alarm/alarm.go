// Package alarm is a timer that goes off at the earliest of the times it was asked
// for: one for a whole queue, where one for each who waits would cost as much as
// the rest of the wait.
package alarm

import (
	"math"
	"time"
)

// Never is a time that does not come.
const Never = int64(math.MaxInt64)

// Alarm calls Ring in a goroutine of its own. Times are nanoseconds on its owner's
// clock, and never zero. It has no lock: its owner holds one around all of it, and
// Ring takes that lock first and then calls Rang.
type Alarm struct {
	Ring func()

	at    int64 // zero when it is not set
	timer *time.Timer
}

// Set has the alarm go off at that time, unless it goes off before or the time is
// Never.
func (a *Alarm) Set(at, now int64) {
	if at == Never || a.at != 0 && a.at <= at {
		return
	}
	a.at = at
	left := time.Duration(max(at-now, 0))
	if a.timer == nil {
		a.timer = time.AfterFunc(left, a.Ring)
		return
	}
	a.timer.Reset(left)
}

// IsSet reports whether it will go off.
func (a *Alarm) IsSet() bool { return a.at != 0 }

// Rang is called when it has gone off: it can be set again.
func (a *Alarm) Rang() { a.at = 0 }

// Stop ends an alarm that is of no use any more. One that goes off at this moment is
// not waited for.
func (a *Alarm) Stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
