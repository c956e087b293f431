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

// check proves that c may be lent: alive, reset by its driver, accepted by the
// BeforeAcquire hooks. The error is the reason to retire it; refused says that
// it was a hook's. On database/sql's opener the hooks have a goroutine of their own.
func (p *Pool) check(ctx context.Context, c *Conn, deadline int64, opener bool) (refused bool, err error) {
	if c.acquiredAt-c.idleSince > restedAfter || c.proven != p.generation.Load() {
		if err := p.proveAlive(ctx, c, deadline); err != nil {
			return false, because(CodeDead, err)
		}
	}
	if !c.fresh {
		if err := c.reset(ctx); err != nil {
			return false, because(CodeDead, err)
		}
	}
	if len(p.hooks.beforeAcquire) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(deadline-p.now()))
	defer cancel()
	if opener {
		err = decideAside(ctx, "BeforeAcquire", p.hooks.beforeAcquire, c)
	} else {
		err = decide(ctx, "BeforeAcquire", p.hooks.beforeAcquire, c, func(reason error) { p.reject(c, reason) })
	}
	if err != nil {
		return true, err
	}
	return true, c.leftOpen("BeforeAcquire")
}

// reset tells the driver that another borrower has the connection. By its
// contract it does no I/O.
func (c *Conn) reset(ctx context.Context) error {
	if c.can.reset == nil {
		return nil
	}
	return c.can.reset(ctx)
}

// proveAlive asks the socket, and where that cannot tell, the server.
func (p *Pool) proveAlive(ctx context.Context, c *Conn, deadline int64) (err error) {
	defer catch("Ping", &err)
	generation := p.generation.Load()
	suspect := c.proven != generation
	ask := suspect
	if c.can.alive != nil {
		switch err := c.can.alive(); {
		case err == nil:
		case errors.Is(err, errors.ErrUnsupported):
			c.can.blind = true
		case errors.Is(err, driver.ErrSkip):
			ask = true
		default:
			return err
		}
	}
	if !ask && c.acquiredAt-c.idleSince <= p.pingAfter(c) {
		return nil
	}
	if _, ok := c.inner.(driver.Pinger); !ok && suspect && c.can.blind {
		return errors.New("under suspicion, and its driver has no way to tell")
	}
	err = c.ask(ctx, min(p.cfg.PingTimeout, time.Duration(deadline-p.now())))
	switch {
	case err == nil:
		c.proven = generation
	case ctx.Err() == nil && p.now() < deadline:
		c.silent = c.unheard
		p.suspectAll(c, err)
	}
	return err
}

// reject retires a connection that did not pass its check. It was no loan.
func (p *Pool) reject(c *Conn, reason error) {
	var silent *dialFailure
	if c.silent {
		silent = p.silent(c, reason)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ungrantCheckedLocked(c) {
		return
	}
	if c.unheard {
		p.askUnusedLocked(c.acquiredAt)
	}
	p.closeLocked(c, reason)
	p.silentLocked(silent, c.acquiredAt)
}

// handBack makes a connection whose borrower was refused idle again.
func (p *Pool) handBack(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ungrantCheckedLocked(c) {
		p.placeLocked(c, false, p.now())
	}
}

// ungrantCheckedLocked ends a grant during its check. It reports false when
// Shutdown took the connection by force meanwhile.
func (p *Pool) ungrantCheckedLocked(c *Conn) bool {
	if c.state != stateInUse {
		p.finishForcedLocked(c)
		return false
	}
	p.ungrantLocked(c)
	if c.waiter != nil {
		p.waiters.Put(c.waiter)
		c.waiter = nil
	}
	return true
}

func (p *Pool) pingAfter(c *Conn) int64 {
	switch {
	case p.cfg.PingAfter > 0:
		return int64(p.cfg.PingAfter)
	case c.can.blind:
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
	p.noteError(err)
}
