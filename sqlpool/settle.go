package sqlpool

import (
	"context"
	"errors"
	"time"
)

// hasWork reports whether something that needs the network was put off until
// the loan's end.
func (c *Conn) hasWork() bool {
	return c.stmts.Collect(c.pool.sources.Ended()) || len(c.deferred) > 0
}

// dirty reports whether the server says that a transaction is open.
func (c *Conn) dirty() bool {
	return c.can.txStatus != nil && c.can.txStatus() != 'I'
}

// settle makes a connection that came back fit to be lent, off its borrower's
// path: it rolls back a transaction that was left open, closes statements that
// fell out of the cache, and does what hooks deferred.
func (p *Pool) settle(c *Conn) {
	ctx, cancel := context.WithTimeout(p.life, p.cfg.RollbackTimeout)
	defer cancel()
	// Not everything below takes a context; cutting the connection ends it all.
	stop := context.AfterFunc(ctx, func() { p.cutOff(c) })
	reason := c.settle(ctx)
	if !stop() && reason == nil {
		reason = because(CodeDirty, ctx.Err())
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state == stateForced {
		p.finishForcedLocked(c)
		return
	}
	p.checking--
	switch {
	case reason != nil:
		p.closeLocked(c, reason)
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		p.giveLocked(c, p.now())
	}
}

// cutOff ends a settling that has overrun its time. A driver that is deaf to
// that too keeps the connection, but not its slot.
func (p *Pool) cutOff(c *Conn) {
	c.abort()
	time.AfterFunc(p.cfg.CloseTimeout, func() {
		p.mu.Lock()
		if c.state != stateChecking { // it has returned, and the connection is on its way out
			p.mu.Unlock()
			return
		}
		p.checking--
		p.abandonLocked(c)
		p.mu.Unlock()
		p.tellClosed(c, because(CodeDirty, errors.New("the driver did not return within RollbackTimeout")), p.now(), 0)
	})
}

func (c *Conn) settle(ctx context.Context) (reason error) {
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
	return aside("Defer", len(deferred), func() (err error) {
		defer catch("Defer", &err)
		for _, f := range deferred {
			if err := f(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}
