package sqlpool

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// dial is a dial under way.
type dial struct {
	ticket uint64 // the pacer's at its start
	began  int64
	ctx    context.Context
	cancel context.CancelFunc

	overtaken atomic.Bool
}

// opened is what a dial has come to.
type opened struct {
	conn     *Conn // nil when there is none; one that comes with an error is to be closed
	verified bool  // it has answered a ping
	err      error
}

// dial opens one connection. It runs in a goroutine of its own, detached from
// every acquire: the one that asked for it may be served by a release meanwhile, and
// the new connection then serves the next. It ends in dialed, also when the driver
// panics or ends the goroutine.
func (p *Pool) dial(d *dial) {
	o := opened{err: &HookPanic{Moment: "Connector", Value: errHookExit}}
	defer func() { p.dialed(d, o) }()
	defer catch("Connector", &o.err)
	o.err = p.open(d.ctx, &o)
}

// open connects and shows the connection to the AfterConnect hooks. While a login
// proves nothing, the connection is pinged too.
func (p *Pool) open(ctx context.Context, o *opened) error {
	generation := p.generation.Load()
	inner, err := p.connect(ctx)
	if inner == nil {
		return err
	}
	c := newConn(p, inner)
	o.conn, c.proven = c, generation
	if err != nil {
		return err
	}
	refusal := decideAside(ctx, "AfterConnect", p.hooks.afterConnect, c)
	if refusal == nil {
		refusal = c.leftOpen("AfterConnect")
	}
	if refusal != nil {
		return &hookRefusal{"AfterConnect", refusal}
	}
	if !p.doubtsLogins() {
		return nil
	}
	o.verified = true
	if err := c.ask(ctx, p.cfg.PingTimeout); err != nil {
		return hollowError(c.cause(err))
	}
	return nil
}

// dialed ends a dial: the connection goes to the waiter whose turn it is or becomes
// idle, or the failure begins or continues an outage.
func (p *Pool) dialed(d *dial, o opened) {
	d.cancel()
	if o.err != nil && d.overtaken.Load() {
		o.err = errOvertaken
	}
	now := p.now()
	unwatched := p.tellOpened(d, &o, now)
	var failure dialFailure
	if o.err != nil {
		failure = p.judgeDial(o.err)
		failure.hollow = o.verified
	}
	p.endDial(d, o, failure, unwatched, now)
	p.tellStates()
}

// endDial is dialed under the lock.
func (p *Pool) endDial(d *dial, o opened, failure dialFailure, unwatched error, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.err != nil && d.overtaken.Load() { // also while the OnOpen hooks were told
		o.err = errOvertaken
	}
	p.dialing = slices.DeleteFunc(p.dialing, func(other *dial) bool { return other == d })
	switch c := o.conn; {
	case o.err == nil:
		if c.trial = p.pacer.Hollow() && !o.verified; !c.trial && !p.closed {
			p.overtakeLocked(d, now)
			p.pacer.Succeeded(c.took)
		}
		p.placeLocked(c, p.now()) // the hooks took their time, and a waiter may have come meanwhile
	case c != nil:
		p.moveLocked(c, slots.Refused)
		p.closeLaterLocked(c, unwatched)
	default:
		p.slots.DialFailed()
	}
	if o.err != nil && o.err != errOvertaken && !p.closed {
		p.dialFailedLocked(failure, d.ticket, now)
	}
	p.noteStateLocked(o.err)
	p.dialMoreLocked()
	p.changedLocked()
}

// tellOpened tells the OnOpen hooks how a dial has ended. When they have seen the
// connection and it does not survive them, it returns the reason for OnClose.
func (p *Pool) tellOpened(d *dial, o *opened, now int64) (unwatched error) {
	event := Opened{Took: time.Duration(now - d.began), Err: o.err}
	if o.err == nil {
		event.Conn = &o.conn.ConnRef
		o.conn.ticket = d.ticket
		o.conn.took, o.conn.openedAt, o.conn.idleSince = event.Took, now, now
	}
	panicked := watchAside("OnOpen", p.hooks.onOpen, event)
	if panicked == nil || o.err != nil {
		return nil
	}
	o.err = &hookRefusal{"OnOpen", panicked}
	return panicked
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
