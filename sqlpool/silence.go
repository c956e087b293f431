package sqlpool

import (
	"context"
	"slices"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/dialing"
)

// A call that its caller's deadline ended is no evidence against the server: it
// may have been slow by itself. But when the network swallows what is sent, it
// is all there is to see, and every connection that lies idle would cost one
// caller its deadline. So a silent connection throws suspicion on all that were
// not used since: they are asked side by side.

// maxAsking is how many idle connections are asked at once. Each waits
// PingTimeout at most, so of a pool that lies on a dark network so many are known
// for what they are at once.
const maxAsking = 128

// askUnusedLocked has the idle connections that no caller has used since then asked
// for a sign of life, in the background, before they are lent again. Under
// traffic there are few, and they lie at the bottom of the stack.
func (p *Pool) askUnusedLocked(since int64) {
	unused, _ := slices.BinarySearchFunc(p.idle, since, func(c *Conn, t int64) int {
		if c.idleSince < t {
			return -1
		}
		return 1
	})
	for _, c := range p.idle[:unused] {
		c.state = stateChecking
		p.checking++
		p.askLaterLocked(c)
	}
	p.idle = slices.Delete(p.idle, 0, unused)
}

// askLaterLocked asks a connection that is being checked, in the background.
func (p *Pool) askLaterLocked(c *Conn) {
	p.work.Go(func() {
		p.asking <- struct{}{}
		defer func() { <-p.asking }()
		p.askUnused(c)
	})
}

// askUnused makes a connection that answers idle again and retires one that does
// not.
func (p *Pool) askUnused(c *Conn) {
	began := p.now()
	reason := p.answers(c)
	if reason == nil && (c.hasWork() || c.dirty()) {
		p.settle(c)
		return
	}
	silent := p.silent(c, reason)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checking--
	switch {
	case reason != nil:
		p.closeLocked(c, reason)
		p.silentLocked(silent, began)
		p.dialMoreLocked()
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		p.giveLocked(c, p.now())
		p.provedLocked(c)
	}
}

func (p *Pool) answers(c *Conn) (reason error) {
	defer catch("Ping", &reason)
	generation := p.generation.Load()
	if err := c.ask(p.life, p.cfg.PingTimeout); err != nil {
		if p.life.Err() == nil {
			p.suspectAll(c, err)
		}
		return because(CodeDead, err)
	}
	c.proven = generation
	return nil
}

// silent describes a ping that was not answered in time, for silentLocked; nil
// when it was, or failed otherwise.
func (p *Pool) silent(c *Conn, reason error) *dialFailure {
	if reason == nil || !c.unheard {
		return nil
	}
	f := p.judgeDial(reason)
	f.kind = dialing.Unanswered
	return &f
}

// silentLocked is called when a connection has been closed because it was
// silent: the idle ones not used since are asked. With the last of all, nothing
// is known of the database any more, and a dial has to find out, whether or not
// a caller comes: readiness may keep callers away.
func (p *Pool) silentLocked(silent *dialFailure, since int64) {
	if silent == nil {
		p.reviewLocked(p.now())
		return
	}
	p.askUnusedLocked(since)
	if p.idleCountLocked()+p.inUse == 0 {
		p.diedUnusedLocked(*silent, p.pacer.Ticket(), p.now())
		return
	}
	p.reviewLocked(p.now())
}

// ask pings the server and notes when there is no answer in time.
func (c *Conn) ask(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(ctx, c.abort) // for a driver that is deaf to its context
	err := c.Ping(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	c.unheard = err != nil && ctx.Err() != nil
	return err
}
