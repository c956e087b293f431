package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// dialMoreLocked starts the dials that are wanted and allowed. It is called
// whenever that may have changed: an acquire queues, a slot frees, a dial
// ends, an idle connection is lent.
//
// The dials under way never exceed what the waiters and MinIdle need, nor
// MaxDialing, nor the free slots; while the database is unreachable there is one
// at a time, when it is due, and another one beside each that has been silent for a
// second.
func (p *Pool) dialMoreLocked() {
	if p.closed {
		return
	}
	n := p.needLocked()
	if !p.pacer.Failing() && n.Wanted <= n.Dialing { // nearly always: no reading of the clock
		return
	}
	now := p.now()
	start, again := p.pacer.May(now, n)
	for range start {
		p.startDialLocked()
	}
	p.redialAtLocked(again, now)
}

func (p *Pool) startDialLocked() {
	d := p.newDialLocked()
	p.work.Go(func() { p.dial(d) })
}

func (p *Pool) newDialLocked() *dial {
	d := &dial{ticket: p.pacer.Ticket(), began: p.now()}
	d.ctx, d.cancel = context.WithTimeout(p.dials, p.cfg.ConnectTimeout)
	p.dialing = append(p.dialing, d)
	return d
}

// dial is a dial under way.
type dial struct {
	ticket uint64 // the pacer's at its start
	began  int64
	ctx    context.Context
	cancel context.CancelFunc

	overtaken atomic.Bool
}

// errOvertaken is the error of a dial that another one has overtaken. It begins no
// outage.
var errOvertaken = errors.New("sqlpool: this dial was silent, and was given up when a later one succeeded")

// overtakeLocked gives up the dials that were lost in the outage that d ends: they
// would hold their slots until ConnectTimeout.
func (p *Pool) overtakeLocked(d *dial, now int64) {
	for _, other := range p.dialing {
		if other.began < d.began && p.pacer.Overtaken(other.began, now) {
			other.overtaken.Store(true)
			other.cancel()
		}
	}
}

// dial opens one connection. It runs in a goroutine of its own, detached from
// every caller: whoever asked for it may be served by a release meanwhile, and
// the new connection then serves the next one.
func (p *Pool) dial(d *dial) {
	start := p.now()
	c, verified, err := p.open(d.ctx)
	d.cancel()
	if err != nil && d.overtaken.Load() {
		err = errOvertaken
	}
	now := p.now()
	event := Opened{Took: time.Duration(now - start), Err: err}
	if err == nil {
		event.Conn = c
		c.ticket = d.ticket
		c.took, c.openedAt, c.idleSince = event.Took, now, now
	}
	var unwatched error // the reason for OnClose of a connection that OnOpen has seen and not survived
	if panicked := watchAside("OnOpen", p.hooks.onOpen, event); panicked != nil && err == nil {
		err, unwatched = &hookRefusal{"OnOpen", panicked}, panicked
	}
	var failure dialFailure
	if err != nil {
		failure = p.judgeDial(err)
	}

	p.mu.Lock()
	before := p.stateLocked()
	p.dialing = slices.DeleteFunc(p.dialing, func(other *dial) bool { return other == d })
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
		if !p.closed && err != errOvertaken {
			failure.hollow = verified
			p.dialFailedLocked(failure, d.ticket, now)
		}
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		if c.trial = p.pacer.Hollow() && !verified; !c.trial {
			p.overtakeLocked(d, now)
			p.pacer.Succeeded(event.Took)
		}
		p.giveLocked(c, now)
	}
	p.changeLocked(before, err)
	p.dialMoreLocked()
	p.changedLocked()
	p.mu.Unlock()
	p.tellStates()
}

// open connects and shows the connection to the AfterConnect hooks. While a login
// proves nothing, the connection is pinged too: then it is verified. A connection
// that comes with an error is to be closed.
func (p *Pool) open(ctx context.Context) (c *Conn, verified bool, err error) {
	generation := p.generation.Load()
	inner, err := p.connect(ctx)
	if inner == nil {
		return nil, false, err
	}
	c = newConn(p, inner)
	c.proven = generation
	if err == nil {
		refusal := decideAside(ctx, "AfterConnect", p.hooks.afterConnect, c)
		if refusal == nil {
			refusal = c.leftOpen("AfterConnect")
		}
		if refusal != nil {
			err = &hookRefusal{"AfterConnect", refusal}
		}
	}
	if err == nil && p.doubtsLogins() {
		verified = true
		if err = c.ask(ctx, p.cfg.PingTimeout); err != nil {
			err = hollowError(c.cause(err))
		}
	}
	return c, verified, err
}

// connect calls the connector. One that ignores its context is given up some
// time after ConnectTimeout: the slot is worth more than the hope, and a
// connection that comes yet is closed. So is one that comes with an error.
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
