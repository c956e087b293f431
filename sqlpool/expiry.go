package sqlpool

import (
	"errors"
	"math"
	"time"
)

// errImpatient ends the wait of a session that keeps others waiting (see
// stallLimit). It is no failure and counted nowhere: the caller goes on
// elsewhere.
var errImpatient = errors.New("sqlpool: out of patience")

// stallLimit is how long an impatient acquire bears a queue that does not move.
// One that moves comes to its turn.
const stallLimit = 5 * time.Millisecond

// expiry ends the waits whose time is over. It is one timer for the whole
// queue, because a timer for each acquire that waits costs as much as the rest
// of the wait; nearly all are served before their time, and it need not be set
// again for them. Pool.mu protects it.
type expiry struct {
	at    int64 // when the timer goes off; zero when it is not set
	timer *time.Timer
}

// armExpiryLocked sets the timer, unless it goes off before or never has to.
func (p *Pool) armExpiryLocked(at, now int64) {
	e := &p.expiry
	if e.at != 0 && e.at <= at || at == math.MaxInt64 {
		return
	}
	e.at = at
	left := time.Duration(max(at-now, 0))
	if e.timer == nil {
		e.timer = time.AfterFunc(left, p.expire)
	} else {
		e.timer.Reset(left)
	}
}

// expire ends the waits that are over.
func (p *Pool) expire() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expiry.at = 0
	why := endedByTimeout
	if p.phaseLocked() == PhaseDialing {
		why = endedByTimeoutDialing
	}
	if p.checking > 0 { // what is cleaned, or asked whether it lives, comes back soon: no caller has it
		p.waiters.Moves(now)
	}
	if next := p.waiters.Expire(now, why, endedByStall); next != math.MaxInt64 {
		p.armExpiryLocked(next, now)
	}
}
