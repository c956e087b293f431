package sqlpool

import (
	"context"

	"github.com/sqlpool/go/sqlpool/internal/dialing"
)

// dialMoreLocked starts the dials that are wanted and allowed. It is called
// whenever that may have changed: an acquire queues, a slot frees, a dial
// ends, an idle connection is lent.
//
// The dials under way never exceed what the waiters and MinIdle need, nor
// MaxDialing, nor the free slots; while the database is unreachable there is one
// at a time, when it is due, and another one beside each that has been silent for a
// second.
func (p *Pool) dialMoreLocked() {
	if p.closed {
		return
	}
	if !p.pacer.Failing() && p.wantedLocked() <= p.slots.Dialing() { // nearly always: no reading of the clock
		return
	}
	p.dialForLocked(p.needLocked(), p.now())
}

func (p *Pool) dialMore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialMoreLocked()
}

// dialForLocked starts the dials that the rules allow for a need, and has the pool ask
// again when that may change.
func (p *Pool) dialForLocked(n dialing.Need, now int64) {
	start, again := p.pacer.May(now, n)
	for range start {
		p.startDialLocked()
	}
	p.redialAtLocked(again, now)
}

// wantedLocked is how many connections the waiters and MinIdle lack.
func (p *Pool) wantedLocked() (n int) {
	if !p.paused { // else they would not be lent what is dialed for them
		n = p.waiters.Len()
	}
	if p.stats.MinIdle > 0 {
		n += max(p.stats.MinIdle-p.slots.Idle(), 0)
	}
	return n
}

// needLocked is the pool as the rules see it.
func (p *Pool) needLocked() dialing.Need {
	return dialing.Need{
		Wanted:  p.wantedLocked(),
		Room:    min(p.cfg.MaxDialing-p.slots.Dialing(), p.stats.MaxConns-p.slots.Taken()),
		Dialing: p.slots.Dialing(),
		Idle:    p.slots.Idle(),
		Looking: p.slots.Inspecting(),
		InUse:   p.slots.InUse(),
		Waiting: p.waiters.Len(),
		Never:   p.slots.NeverConnected(),
		Useless: !p.useful,
	}
}

// dialForOthersLocked starts a dial after a caller that would not wait, where
// there is room: else a pool without MinIdle would refuse all of them for ever.
func (p *Pool) dialForOthersLocked() {
	if p.closed || p.paused || p.slots.Dialing() > 0 || p.pacer.Failing() {
		return
	}
	n := p.needLocked()
	n.Wanted = 1
	p.dialForLocked(n, p.now())
}

// wantLocked has the next dial of an outage due soon, for a caller that does not wait.
func (p *Pool) wantLocked(now int64) {
	if p.pacer.Failing() && p.pacer.Want() {
		p.dialForLocked(p.needLocked(), now)
	}
}

// ProbeSoon has the pool dial within a second, mostly sooner, while dials fail, as a caller
// who waits would; otherwise it does nothing. It is for a policy that keeps
// callers away while the database is down and wants to know when it is back.
func (p *Pool) ProbeSoon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.wantLocked(p.now())
	}
}

// redialAtLocked has dialLater called then, or before.
func (p *Pool) redialAtLocked(at, now int64) {
	if !p.closed {
		p.redial.Set(at, now)
	}
}

// dialLater is called when a dial may be due, or the circuit is to open although
// a dial is still under way.
func (p *Pool) dialLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redial.Rang()
	if p.closed {
		return
	}
	if p.pacer.Failing() {
		p.reviewLocked(p.now())
		p.stateMayMoveLocked(p.dialErr)
	}
	p.dialMoreLocked()
}

// startDialLocked takes a slot and has a connection opened in the background.
func (p *Pool) startDialLocked() *dial {
	d := &dial{ticket: p.pacer.Ticket(), began: p.now()}
	d.ctx, d.cancel = context.WithTimeout(p.dials, p.cfg.ConnectTimeout)
	p.dialing = append(p.dialing, d)
	p.slots.Dial()
	p.work.Go(func() { p.dial(d) })
	return d
}
