package sqlpool

import (
	"sync"
	"time"
)

// closeLocked retires a connection that is in no stack and counted nowhere.
// The close itself runs in the background and is never on a caller's path. The
// slot stays taken until the server side is gone, which an adapter's Close
// waits for, but no longer than CloseTimeout: else a server that is silent
// would hold every slot.
func (p *Pool) closeLocked(c *Conn, reason error) {
	c.state = stateClosing
	p.closing++
	decided := p.now()
	p.work.Go(func() {
		free := sync.OnceFunc(func() { p.freeSlot(c, reason, decided) })
		timer := time.AfterFunc(p.cfg.CloseTimeout, free)
		closeInner(c)
		timer.Stop()
		free()
	})
}

// closeInner closes the driver's connection. A driver that panics here has
// nothing left to lose.
func closeInner(c *Conn) {
	var err error
	defer catch("Close", &err)
	_ = c.inner.Close()
}

// freeSlot ends a close: the slot may be dialed into again.
func (p *Pool) freeSlot(c *Conn, reason error, decided int64) {
	now := p.now()
	p.mu.Lock()
	p.closing--
	p.stats.CloseCount++
	p.forgetLocked(c)
	p.dialMoreLocked()
	p.changedLocked()
	p.mu.Unlock()

	err := watch("OnClose", p.hooks.onClose, Closed{
		Conn: c, Reason: reason,
		Age: time.Duration(decided - c.openedAt), Took: time.Duration(now - decided),
	})
	if err != nil {
		p.noteError(err)
	}
}

// rememberLocked and forgetLocked keep the set of connections, so that each
// knows its place in it.
func (p *Pool) rememberLocked(c *Conn) {
	c.place = len(p.conns)
	p.conns = append(p.conns, c)
}

func (p *Pool) forgetLocked(c *Conn) {
	c.state = stateGone
	last := len(p.conns) - 1
	moved := p.conns[last]
	p.conns[c.place] = moved
	moved.place = c.place
	p.conns[last] = nil
	p.conns = p.conns[:last]
}

func (p *Pool) noteError(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteErrorLocked(err)
}

func (p *Pool) noteErrorLocked(err error) {
	p.stats.LastError = err.Error()
	p.stats.LastErrorAt = time.Now()
}
