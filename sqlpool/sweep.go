package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"time"
)

// sweep is the pool's one standing goroutine. At each interval it takes back
// parked loans that no session uses, looks whether the idle connections are still
// there and shows them to the WhileIdle hooks, the one idle longest first. A look
// that waits for the server, or for a slow hook, does not hold up the next sweep:
// OnSweep is the pool's own sign of life.
func (p *Pool) sweep() {
	ticker := time.NewTicker(p.cfg.SweepInterval)
	defer ticker.Stop()
	var inspected chan struct{}
	for {
		select {
		case <-p.dials.Done():
			return
		case <-ticker.C:
		}
		p.reclaimParked()
		if inspected == nil && p.anyIdle() {
			inspected = make(chan struct{})
			p.work.Go(func() {
				defer close(inspected)
				p.inspectIdle()
			})
		}
		if inspected != nil {
			patience := time.NewTimer(p.cfg.SweepInterval / 2)
			select {
			case <-inspected: // nearly always, and at once
				inspected = nil
			case <-patience.C:
			}
			patience.Stop()
		}
		err := watch("OnSweep", p.hooks.onSweep, p, func(reason error) {
			p.noteError(reason)
			p.work.Go(p.sweep) // the hook has ended this goroutine
		})
		if err != nil {
			p.noteError(err)
		}
	}
}

func (p *Pool) anyIdle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle) > 0
}

// inspectIdle looks at what is idle now.
func (p *Pool) inspectIdle() {
	p.mu.Lock()
	idle := slices.Clone(p.idle)
	p.mu.Unlock()
	for _, c := range idle {
		if p.dials.Err() != nil {
			return
		}
		p.inspect(c)
	}
}

// reclaimParked ticks the pool's clock and makes idle what was granted to sessions that have not used it
// for parkLimit.
func (p *Pool) reclaimParked() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tickLocked(now)
	for s := p.parked.head; s != nil && now-s.parkedAt >= parkLimit; s = p.parked.head {
		p.giveLocked(p.takeParkedLocked(s), now)
	}
}

// inspect looks at the socket of one connection, if it is still idle, and shows
// it to the WhileIdle hooks. It is lent to nobody meanwhile. A server that goes
// away is noticed here by a pool that nobody uses.
func (p *Pool) inspect(c *Conn) {
	if c.can.alive == nil && len(p.hooks.whileIdle) == 0 {
		return
	}
	p.mu.Lock()
	if c.state != stateIdle || !p.dropIdleLocked(c) {
		p.mu.Unlock()
		return
	}
	c.state = stateChecking
	p.checking++
	p.looking++
	p.mu.Unlock()

	began := p.now()
	c.unheard = false
	ask, reason := p.look(c)
	if reason == nil {
		ctx, cancel := context.WithTimeout(p.life, p.cfg.PingTimeout)
		reason = decideAside(ctx, "WhileIdle", p.hooks.whileIdle, c)
		c.unheard = reason != nil && ctx.Err() != nil && p.life.Err() == nil
		cancel()
	}
	ask, c.askAlive = ask || c.askAlive, false
	settle := (reason == nil || isSound(reason)) && (c.hasWork() || c.dirty())
	silent := p.silent(c, reason)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looking--; p.looking == 0 {
		p.pacer.Looked()
	}
	if reason != nil && p.keepsForNowLocked(reason) {
		reason = nil
	}
	switch {
	case reason == nil && ask:
		p.askLaterLocked(c)
		return
	case reason == nil && settle:
		p.work.Go(func() { p.settle(c) })
		return
	case reason != nil:
		p.checking--
		p.closeLocked(c, reason)
		p.silentLocked(silent, began)
		p.dialMoreLocked()
	case p.closed:
		p.checking--
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		p.checking--
		p.giveLocked(c, p.now())
	}
}

// look asks the socket of an idle connection. ask says that it cannot tell, and
// that the server is to be asked.
func (p *Pool) look(c *Conn) (ask bool, reason error) {
	defer catch("Alive", &reason)
	if c.can.alive == nil {
		return false, nil
	}
	switch err := c.can.alive(); {
	case err == nil, errors.Is(err, errors.ErrUnsupported): // one that can never be looked at is no reason to ask at each sweep
		return false, nil
	case errors.Is(err, driver.ErrSkip):
		return true, nil
	default:
		return false, because(CodeDead, err)
	}
}

// keepsForNowLocked reports whether an idle connection that a hook wants gone is
// kept until the next sweep, because MinIdle needs it and it works. Its
// replacement is dialed meanwhile; while dials fail, an old connection is better
// than none.
func (p *Pool) keepsForNowLocked(why error) bool {
	if p.closed || !isSound(why) || p.idleCountLocked() > p.stats.MinIdle {
		return false
	}
	if p.pacer.Failing() || len(p.dialing) > 0 {
		return true
	}
	if p.totalLocked() >= p.stats.MaxConns {
		return false // there is no room for both
	}
	p.startDialLocked()
	return true
}
