package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// restedAfter is how long a connection must have been idle for a look at its
// socket to be worth a system call.
const restedAfter = int64(time.Millisecond)

// needsCheck reports whether anything must be done to c before it is lent.
func (p *Pool) needsCheck(c *Conn) bool {
	return len(p.hooks.beforeAcquire) > 0 ||
		!c.fresh && (c.can.reset != nil || c.acquiredAt-c.idleSince > restedAfter || c.proven != p.generation.Load())
}

// check proves that c may be lent: alive, reset by its driver, accepted by the
// BeforeAcquire hooks. A new connection only meets the hooks. The error is the
// reason to retire it.
func (p *Pool) check(ctx context.Context, c *Conn, deadline int64) error {
	if !c.fresh {
		if err := p.proveAlive(ctx, c, deadline); err != nil {
			return err
		}
		if c.can.reset != nil {
			if err := c.can.reset.ResetSession(ctx); err != nil {
				return because(CodeDead, err)
			}
		}
	}
	if len(p.hooks.beforeAcquire) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(deadline-p.now()))
	defer cancel()
	return decide(ctx, "BeforeAcquire", p.hooks.beforeAcquire, c)
}

// proveAlive asks the socket, and where that cannot tell, the server.
func (p *Pool) proveAlive(ctx context.Context, c *Conn, deadline int64) error {
	generation := p.generation.Load()
	idle := c.acquiredAt - c.idleSince
	ping := c.proven != generation
	if !ping && idle <= restedAfter {
		return nil
	}
	if c.can.alive != nil {
		switch err := c.can.alive(); {
		case err == nil:
		case errors.Is(err, driver.ErrSkip):
			ping = true
		default:
			return because(CodeDead, err)
		}
	}
	if !ping && idle <= p.pingAfter(c) {
		return nil
	}
	limit := min(p.cfg.PingTimeout, time.Duration(deadline-p.now()))
	pingCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := c.Ping(pingCtx); err != nil {
		if ctx.Err() == nil && p.now() < deadline {
			p.suspectAll(c, err)
		}
		return because(CodeDead, err)
	}
	c.proven = generation
	return nil
}

func (p *Pool) pingAfter(c *Conn) int64 {
	switch {
	case p.cfg.PingAfter > 0:
		return int64(p.cfg.PingAfter)
	case c.can.alive == nil:
		return int64(DefaultPingAfterBlind)
	default:
		return int64(DefaultPingAfter)
	}
}

// suspectAll starts a new generation on the evidence of c, unless c is of an
// older one: its evidence has been acted on already.
func (p *Pool) suspectAll(c *Conn, err error) {
	if !p.generation.CompareAndSwap(c.proven, c.proven+1) {
		return
	}
	p.mu.Lock()
	p.noteErrorLocked(err)
	p.mu.Unlock()
}
