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

// until is when w's time is over.
func (p *Pool) until(w *waiter) int64 {
	if w.shed {
		return later(w.since, p.cfg.ShedTarget)
	}
	return later(w.since, p.cfg.AcquireTimeout)
}

// expiresLocked is when w is to be looked at.
func (p *Pool) expiresLocked(w *waiter) int64 {
	if w.impatient {
		return min(p.until(w), max(w.since, p.granted)+int64(stallLimit))
	}
	return p.until(w)
}

// armExpiryLocked sets the timer, unless it goes off before.
func (p *Pool) armExpiryLocked(at, now int64) {
	e := &p.expiry
	if e.at != 0 && e.at <= at {
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
	next := int64(math.MaxInt64)
	for w := p.waiters.head; w != nil; {
		this := w
		w = w.next
		at := p.expiresLocked(this)
		if now < at {
			next = min(next, at)
			continue
		}
		this.dialing = p.phaseLocked() == PhaseDialing
		p.waiters.remove(this, now)
		switch {
		case now < p.until(this):
			this.why = endedByStall
		case this.shed:
			this.why = endedByShedding
		default:
			this.why = endedByTimeout
		}
		this.ready <- struct{}{}
	}
	if next != math.MaxInt64 {
		p.armExpiryLocked(next, now)
	}
}
