package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// dialMoreLocked starts the dials that are wanted and allowed. It is called
// whenever that may have changed: an acquire queues, a slot frees, a dial
// ends, an idle connection is lent.
func (p *Pool) dialMoreLocked() {
	for p.wantsDialLocked() && p.spacedLocked() {
		p.startDialLocked()
	}
}

func (p *Pool) startDialLocked() {
	p.dialing++
	seen := p.stats.DialErrorCount
	p.work.Go(func() { p.dial(seen) })
}

// wantsDialLocked: the dials in flight never exceed what the waiters and
// MinIdle need, nor MaxDialing, nor the free slots; and while the database is
// unreachable there is one at a time, when it is due.
func (p *Pool) wantsDialLocked() bool {
	if p.closed || p.dialing >= p.cfg.MaxDialing || p.totalLocked() >= p.stats.MaxConns {
		return false
	}
	if p.outage.failures > 0 {
		return p.dialing == 0 && p.probeDueLocked()
	}
	wanted := p.waiters.Len()
	if p.paused {
		wanted = 0 // they would not be lent what is dialed for them
	}
	if p.stats.MinIdle > 0 {
		wanted += max(p.stats.MinIdle-p.idleCountLocked(), 0)
	}
	return p.dialing < wanted
}

// dial opens one connection. It runs in a goroutine of its own, detached from
// every caller: whoever asked for it may be served by a release meanwhile, and
// the new connection then serves the next one. seen is DialErrorCount at its
// start.
func (p *Pool) dial(seen uint64) {
	start := p.now()
	c, err := p.open()
	now := p.now()
	event := Opened{Took: time.Duration(now - start), Err: err}
	if err == nil {
		event.Conn = c
		c.took, c.openedAt, c.idleSince = event.Took, now, now
	}
	var unwatched error // the reason for OnClose of a connection that OnOpen has seen and not survived
	if panicked := watch("OnOpen", p.hooks.onOpen, event); panicked != nil && err == nil {
		err, unwatched = &hookRefusal{"OnOpen", panicked}, panicked
	}
	var failure dialFailure
	if err != nil {
		failure = p.judgeDial(err)
	}

	p.mu.Lock()
	before := p.stateLocked()
	p.dialing--
	p.stats.DialCount++
	if c != nil {
		p.rememberLocked(c)
	}
	switch {
	case err != nil:
		p.stats.DialErrorCount++
		if c != nil {
			c.refused = true
			p.closeLocked(c, unwatched)
		}
		if !p.closed {
			p.dialFailedLocked(failure, seen, now)
		}
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		p.dialSucceededLocked()
		p.spacing.took = min(event.Took, spacingOf*dialSpacing)
		p.giveLocked(c, now)
	}
	p.changeLocked(before, err)
	p.dialMoreLocked()
	p.changedLocked()
	p.mu.Unlock()
	p.tellStates()
}

// open connects and shows the connection to the AfterConnect hooks. A
// connection that comes with an error is to be closed.
func (p *Pool) open() (c *Conn, err error) {
	generation := p.generation.Load()
	ctx, cancel := context.WithTimeout(p.dials, p.cfg.ConnectTimeout)
	defer cancel()
	inner, err := p.connect(ctx)
	if inner == nil {
		return nil, err
	}
	c = newConn(p, inner)
	c.proven = generation
	if err == nil {
		if refusal := decide(ctx, "AfterConnect", p.hooks.afterConnect, c); refusal != nil {
			err = &hookRefusal{"AfterConnect", refusal}
		}
	}
	return c, err
}

// connect calls the connector. One that ignores its context is given up some
// time after ConnectTimeout: the slot is worth more than the hope, and a
// connection that comes yet is closed. So is one that comes with an error.
func (p *Pool) connect(ctx context.Context) (driver.Conn, error) {
	type outcome struct {
		conn driver.Conn
		err  error
	}
	leave, err := enterDialGate(ctx)
	if err != nil {
		return nil, err
	}
	defer leave() // also of a dial that is given up: it must not keep others out for ever
	ended := make(chan outcome, 1)
	p.work.Go(func() {
		var o outcome
		defer func() { ended <- o }()
		defer catch("Connector", &o.err)
		o.conn, o.err = p.cfg.Connector.Connect(ctx)
	})
	select {
	case o := <-ended:
		return checkConnected(ctx, o.conn, o.err)
	case <-ctx.Done():
	}
	grace := time.NewTimer(p.cfg.CloseTimeout)
	defer grace.Stop()
	select {
	case o := <-ended:
		return checkConnected(ctx, o.conn, o.err)
	case <-grace.C:
		go func() {
			if o := <-ended; o.err == nil && o.conn != nil {
				closeQuietly(o.conn)
			}
		}()
		return nil, fmt.Errorf("sqlpool: the connector did not return within ConnectTimeout: %w", ctx.Err())
	}
}

func checkConnected(ctx context.Context, conn driver.Conn, err error) (driver.Conn, error) {
	switch {
	case err != nil:
		// driver.ErrBadConn would have package sql try three times what the
		// pool tries at its own pace.
		return nil, hideBadConn(err)
	case conn == nil:
		return nil, errors.New("sqlpool: the connector returned neither a connection nor an error")
	case ctx.Err() != nil:
		return conn, ctx.Err()
	}
	return conn, nil
}
