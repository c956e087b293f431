package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// restedAfter is how long a connection must have been idle for a look at its
// socket to be worth a system call.
const restedAfter = int64(time.Millisecond)

// check proves that a granted connection may be lent: alive, reset by its driver,
// accepted by the BeforeAcquire hooks. The error is the reason to retire it; refused
// says that it was a hook's. On database/sql's opener the hooks have a goroutine of
// their own.
func (p *Pool) check(ctx context.Context, c *Conn, deadline int64, opener bool) (refused bool, err error) {
	if err := p.checkDriver(ctx, c, deadline); err != nil {
		return false, because(CodeDead, err)
	}
	if len(p.hooks.beforeAcquire) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(deadline-p.now()))
	defer cancel()
	if opener {
		err = decideAside(ctx, "BeforeAcquire", p.hooks.beforeAcquire, c)
	} else {
		err = decide(ctx, "BeforeAcquire", p.hooks.beforeAcquire, c, func(reason error) { p.giveBack(c, outcome{reason: reason}) })
	}
	if err != nil {
		return true, err
	}
	return true, c.leftOpen("BeforeAcquire")
}

// checkDriver is what check asks the driver. One that ends the goroutine, as a mock's
// t.FailNow does, costs no slot.
func (p *Pool) checkDriver(ctx context.Context, c *Conn, deadline int64) (err error) {
	exits := true
	defer func() {
		if exits {
			p.giveBack(c, outcome{reason: &HookPanic{Moment: "ResetSession or Ping", Value: errHookExit}})
		}
	}()
	if c.acquiredAt-c.idleSince > restedAfter || c.proven != p.generation.Load() {
		err = p.proveAlive(ctx, c, deadline)
	}
	if err == nil && !c.fresh && c.can.reset != nil { // by its contract it does no I/O
		err = c.can.reset(ctx)
	}
	exits = false
	return err
}

// proveAlive asks the socket, and where that cannot tell, the server.
func (p *Pool) proveAlive(ctx context.Context, c *Conn, deadline int64) (err error) {
	defer catch("Ping", &err)
	generation := p.generation.Load()
	suspect := c.proven != generation
	ask, err := c.look()
	if err != nil {
		return err
	}
	if !ask && !suspect && c.acquiredAt-c.idleSince <= p.pingAfter(c) {
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
		p.accuse(c, err)
	case c.silence != heard: // it was the caller who did not wait any longer
		c.silence = silentForCall
	}
	return err
}

// look asks the socket of a connection that nothing is owed to. ask says that it
// cannot tell, and that the server is to be asked.
func (c *Conn) look() (ask bool, err error) {
	if c.can.alive == nil {
		return false, nil
	}
	switch err := c.can.alive(); {
	case err == nil:
		return false, nil
	case errors.Is(err, errors.ErrUnsupported):
		c.can.blind = true
		return false, nil
	case errors.Is(err, driver.ErrSkip):
		return true, nil
	default:
		return false, err
	}
}

// ask pings the server and notes when there is no answer in time.
func (c *Conn) ask(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := c.pool.now()
	stop := context.AfterFunc(ctx, func() { c.pool.cutOff(c, CodeDead, "PingTimeout") }) // for a driver that is deaf to its context
	err := c.Ping(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	c.silence = heard
	if err != nil && ctx.Err() != nil {
		c.silence, c.silentAt = silentForPing, began
	}
	return err
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

// accuse is suspectAll for a ping that failed. A driver that had given the connection up
// by itself answers without asking the server: some do so late, when a context ends in the
// same moment as its call does, and find it out at the next. An SQLSTATE is the server's word.
func (p *Pool) accuse(c *Conn, err error) {
	if c.silence == heard && !pgerror.HasState(err) && c.gone() && c.closedItself() {
		return
	}
	p.suspectAll(c, err)
}

// suspectAll starts a new generation on the evidence of c, unless c is of an
// older one: its evidence has been acted on already.
func (p *Pool) suspectAll(c *Conn, err error) {
	if !p.generation.CompareAndSwap(c.proven, c.proven+1) {
		return
	}
	p.noteError(err)
}
