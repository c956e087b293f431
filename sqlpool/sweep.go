package sqlpool

import (
	"context"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// sweep is the pool's one standing goroutine. At each interval it takes back
// reservations that no session uses, looks whether the idle connections are still
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
		p.tick()
		if inspected == nil {
			if idle := p.allIdle(); len(idle) > 0 {
				inspected = make(chan struct{})
				p.work.Go(func() {
					defer close(inspected)
					p.inspectAll(idle)
				})
			}
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

func (p *Pool) allIdle() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle.All()
}

// inspectAll looks at those of the connections that are idle when their turn comes.
func (p *Pool) inspectAll(idle []*Conn) {
	for _, c := range idle {
		if p.dials.Err() != nil {
			return
		}
		p.inspect(c)
	}
}

// tick notes the time and takes back the reservations that no session uses.
func (p *Pool) tick() {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tickLocked(now)
	p.revokeOlderLocked(now-reserveLimit, now)
}

// inspect looks at the socket of one connection, if it is still idle, and shows
// it to the WhileIdle hooks. It is not lent meanwhile. A server that goes away is
// noticed here by a pool that is not used.
func (p *Pool) inspect(c *Conn) {
	if c.can.alive == nil && len(p.hooks.whileIdle) == 0 {
		return
	}
	if p.takeToInspect(c) {
		p.tend(c, func() outcome { return p.lookAt(c) })
	}
}

func (p *Pool) takeToInspect(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != slots.Idle || !p.idle.Drop(c) {
		return false
	}
	p.moveLocked(c, slots.Inspecting)
	return true
}

// lookAt says what a connection needs that has been idle since the last sweep.
func (p *Pool) lookAt(c *Conn) (o outcome) {
	defer catch("Alive", &o.reason)
	began := p.now()
	c.silence = heard
	ask, err := c.look()
	if err != nil {
		return outcome{reason: because(CodeDead, err)}
	}
	ctx, cancel := context.WithTimeout(p.life, p.cfg.PingTimeout)
	defer cancel()
	o.reason = decideAside(ctx, "WhileIdle", p.hooks.whileIdle, IdleConn{c})
	if o.reason != nil && ctx.Err() != nil && p.life.Err() == nil {
		c.silence, c.silentAt = silentForPing, began
	}
	switch {
	case ask || c.askAlive:
		o.todo = pinging
	case (o.reason == nil || isSound(o.reason)) && (c.hasWork() || c.dirty()):
		o.todo = cleaning
	}
	c.askAlive = false
	return o
}

// keepsForNowLocked reports whether an idle connection that a hook wants gone is
// kept until the next sweep, because MinIdle needs it and it works. Its
// replacement is dialed meanwhile; while dials fail, an old connection is better
// than none.
func (p *Pool) keepsForNowLocked(why error) bool {
	if p.closed || !isSound(why) || p.slots.Idle() > p.stats.MinIdle {
		return false
	}
	if p.pacer.Failing() || p.slots.Dialing() > 0 {
		return true
	}
	if p.slots.Taken() >= p.stats.MaxConns {
		return false // there is no room for both
	}
	p.startDialLocked()
	return true
}
