package sqlpool

import (
	"context"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// Upkeep is what the pool does with a connection on a goroutine of its own, between
// two loans: it pings it, rolls back what was left open, closes statements, does what
// hooks deferred.

// maxPinging is how many idle connections are pinged at once. Each waits
// PingTimeout at most, so of a pool that lies on a dark network so many are known
// for what they are at once.
const maxPinging = 128

// upkeepLocked has a connection worked on in the background.
func (p *Pool) upkeepLocked(c *Conn, todo task) {
	p.moveLocked(c, slots.Upkeep)
	p.work.Go(func() { p.tend(c, func() outcome { return p.upkeep(c, todo) }) })
}

// tend does work on a connection that is out of the stack, and gives it back
// whichever way that ends: with an error, a panic, or the end of the goroutine, which
// a driver or a hook may bring about.
func (p *Pool) tend(c *Conn, work func() outcome) {
	o := outcome{reason: &HookPanic{Moment: "upkeep", Value: errHookExit}}
	defer func() { p.giveBack(c, o) }()
	defer catch("upkeep", &o.reason)
	o = work()
}

func (p *Pool) upkeep(c *Conn, todo task) (o outcome) {
	if todo == pinging {
		o.reason, o.proves = p.ping(c), true
	}
	if o.reason == nil && (todo == cleaning || c.dirty() || c.hasWork()) {
		o.reason = p.cleanUp(c)
	}
	return o
}

// probeUnusedLocked has the idle connections that no caller has used since then
// pinged before they are lent again. Under traffic there are few, and they lie at the
// bottom of the stack.
func (p *Pool) probeUnusedLocked(since int64) {
	for _, c := range p.idle.DropUnused(since) {
		p.upkeepLocked(c, pinging)
	}
}

// tidy closes what has ended on those of the connections that are idle, in the
// background: database/sql closes the statements of an idle session with the whole
// *sql.DB locked. Those in use are tidied when their loan ends.
func (p *Pool) tidy(conns []*Conn) {
	if len(conns) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if c.state == slots.Idle && p.idle.Drop(c) {
			p.upkeepLocked(c, cleaning)
		}
	}
}

// ping asks the server, side by side with the pings of other connections.
func (p *Pool) ping(c *Conn) (err error) {
	select {
	case p.pinging <- struct{}{}:
	case <-p.life.Done():
		return because(CodeDead, p.life.Err())
	}
	defer func() { <-p.pinging }()
	defer catch("Ping", &err)
	generation := p.generation.Load()
	if err := c.ask(p.life, p.cfg.PingTimeout); err != nil {
		if p.life.Err() == nil {
			p.accuse(c, err)
		}
		return because(CodeDead, err)
	}
	c.proven = generation
	return nil
}

// hasWork reports whether something that needs the network was put off until
// the loan's end.
func (c *Conn) hasWork() bool {
	return c.stmts.Collect(c.pool.sources.Ended()) || len(c.deferred) > 0
}

// dirty reports whether the server says that a transaction is open.
func (c *Conn) dirty() bool {
	return c.can.txStatus != nil && c.can.txStatus() != 'I'
}

// cleanUp makes a connection that came back fit to be lent, off its borrower's
// path: it rolls back a transaction that was left open, closes statements that
// fell out of the cache, and does what hooks deferred.
func (p *Pool) cleanUp(c *Conn) error {
	ctx, cancel := context.WithTimeout(p.life, p.cfg.RollbackTimeout)
	defer cancel()
	// Not everything below takes a context; cutting the connection ends it all.
	stop := context.AfterFunc(ctx, func() { p.cutOff(c, CodeDirty, "RollbackTimeout") })
	reason := c.cleanUp(ctx)
	if !stop() && reason == nil {
		reason = because(CodeDirty, ctx.Err())
	}
	return reason
}

func (c *Conn) cleanUp(ctx context.Context) (reason error) {
	defer catch("Defer", &reason)
	if c.dirty() {
		if err := c.Exec(ctx, "ROLLBACK"); err != nil {
			return because(CodeDirty, err)
		}
		if c.dirty() {
			return &Reason{Code: CodeDirty, Err: errors.New("still in a transaction after ROLLBACK")}
		}
	}
	c.stmts.Collect(c.pool.sources.Ended())
	if err := c.stmts.CloseGone(""); err != nil {
		return because(CodeBroken, err)
	}
	c.stmts.DropGone() // nothing is open: what cannot be closed now never will
	deferred := c.deferred
	c.deferred = nil
	if err := aside("Defer", len(deferred), func() (err error) {
		defer catch("Defer", &err)
		for _, f := range deferred {
			if err := f(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return c.leftOpen("Defer")
}

// cutOff ends a ping or a clean-up that has overrun its time. A driver that is deaf to
// that too keeps the connection, but not its slot.
func (p *Pool) cutOff(c *Conn, code, limit string) {
	c.abort()
	time.AfterFunc(p.cfg.CloseTimeout, func() {
		if p.abandonUpkeep(c) {
			p.tellClosed(c, because(code, errors.New("the driver did not return within "+limit)), p.now(), 0)
		}
	})
}

// abandonUpkeep reports false when the driver has returned: the connection is on its
// way out then.
func (p *Pool) abandonUpkeep(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != slots.Upkeep {
		return false
	}
	p.abandonLocked(c)
	return true
}
