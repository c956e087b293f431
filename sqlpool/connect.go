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
	for p.wantsDialLocked() {
		p.dialing++
		p.work.Go(p.dial)
	}
}

// wantsDialLocked: the dials in flight never exceed what the waiters and
// MinIdle need, nor MaxDialing, nor the free slots; and while the database is
// unreachable there is one at a time, when it is due.
func (p *Pool) wantsDialLocked() bool {
	if p.closed || p.dialing >= p.cfg.MaxDialing || p.totalLocked() >= p.cfg.MaxConns {
		return false
	}
	if p.outage.failures > 0 {
		return p.dialing == 0 && p.probeDueLocked()
	}
	return p.dialing < p.waiters.len+max(p.cfg.MinIdle-p.idleCountLocked(), 0)
}

// dial opens one connection. It runs in a goroutine of its own, detached from
// every caller: whoever asked for it may be served by a release meanwhile, and
// the new connection then serves the next one.
func (p *Pool) dial() {
	generation := p.generation.Load()
	start := p.now()
	ctx, cancel := context.WithTimeout(p.dials, p.cfg.ConnectTimeout)
	defer cancel()

	inner, err := p.connect(ctx)
	var c *Conn
	if err == nil {
		c = newConn(p, inner)
		c.proven = generation
		if err = decide(ctx, "AfterConnect", p.hooks.afterConnect, c); err != nil {
			closeInner(c)
			c, err = nil, &hookRefusal{err}
		}
	}
	now := p.now()
	took := time.Duration(now - start)
	if c != nil {
		c.took, c.openedAt, c.idleSince = took, now, now
	}
	watched := watch("OnOpen", p.hooks.onOpen, Opened{Conn: c, Took: took, Err: err})
	if c != nil && watched != nil {
		closeInner(c)
		c, err = nil, &hookRefusal{watched}
	}

	p.mu.Lock()
	p.dialing--
	p.stats.DialCount++
	var change *StateChanged
	switch {
	case err != nil && p.closed:
	case err != nil:
		change = p.dialFailedLocked(err, now)
	default:
		p.rememberLocked(c)
		if p.closed {
			p.closeLocked(c, &Reason{Code: CodeShutdown})
			break
		}
		change = p.dialSucceededLocked()
		p.giveLocked(c, now)
	}
	p.dialMoreLocked()
	p.changedLocked()
	p.mu.Unlock()
	p.tellState(change)
}

// connect calls the connector. One that ignores its context is given up some
// time after ConnectTimeout: the slot is worth more than the hope, and a
// connection that comes yet is closed.
func (p *Pool) connect(ctx context.Context) (driver.Conn, error) {
	type outcome struct {
		conn driver.Conn
		err  error
	}
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
				_ = o.conn.Close()
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
		_ = conn.Close()
		return nil, ctx.Err()
	}
	return conn, nil
}
