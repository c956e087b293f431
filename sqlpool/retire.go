package sqlpool

import (
	"io"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// closeLocked retires a connection that is in no stack.
func (p *Pool) closeLocked(c *Conn, reason error) {
	p.moveLocked(c, slots.Closing)
	p.closeLaterLocked(c, reason)
}

// closeLaterLocked closes a connection in the background, never on a caller's path. The
// slot stays taken until the server side is gone, which an adapter's Close waits for,
// but no longer than CloseTimeout: else a server that is silent would hold every slot.
// reason is nil for a connection whose opening the hooks have not been told of.
func (p *Pool) closeLaterLocked(c *Conn, reason error) {
	decided := p.now()
	p.work.Go(func() {
		p.closeInner(whole{c}, c.abort, c.closeLimit())
		if freed := p.freeSlot(c); reason != nil {
			p.tellClosed(c, reason, decided, freed-decided)
		}
	})
}

// unheardLimit is the least that a connection whose server did not answer in
// time keeps its slot.
const unheardLimit = 250 * time.Millisecond

// closeLimit is how long the connection may keep its slot. A server that lives
// ends a session in no more time than it took to begin it; one that has been
// silent is not worth the patience of those who wait for the slot.
func (c *Conn) closeLimit() time.Duration {
	limit := c.pool.cfg.CloseTimeout
	if c.silence != heard {
		limit = min(limit, max(4*c.took, unheardLimit))
	}
	return limit
}

// closeInner closes a driver's connection. A Close that overruns its limit
// is cut off by abort, if that is not nil, and not waited for any longer.
func (p *Pool) closeInner(inner io.Closer, abort func(), limit time.Duration) {
	closed := make(chan struct{})
	p.work.Go(func() {
		defer close(closed)
		closeQuietly(inner)
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-closed:
		return
	case <-timer.C:
	}
	if abort == nil {
		return
	}
	p.work.Go(abort)
	timer.Reset(limit / 10) // a Close that heeds this returns at once
	select {
	case <-closed:
	case <-timer.C:
	}
}

// closeQuietly closes what is of no use any more. A driver that panics here
// has nothing left to lose.
func closeQuietly(inner io.Closer) {
	var err error
	defer catch("Close", &err)
	_ = inner.Close()
}

// freeSlot ends a close: the slot may be dialed into again. It returns the time.
func (p *Pool) freeSlot(c *Conn) (now int64) {
	now = p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moveLocked(c, slots.Gone)
	p.dialMoreLocked()
	p.changedLocked()
	return now
}

// whole is a connection with what is prepared on it, to be closed. Some drivers keep
// the memory of a statement that is not closed, and database/sql closes them all.
type whole struct{ conn *Conn }

// Close implements io.Closer.
func (w whole) Close() error {
	c := w.conn
	c.pool.sources.Closed(c, &c.stmts)
	if !c.can.endsStatements {
		c.stmts.CloseAll()
	}
	return c.inner.Close()
}

func (p *Pool) tellClosed(c *Conn, reason error, decided, took int64) {
	err := watchAside("OnClose", p.hooks.onClose, Closed{
		Conn: &c.ConnRef, Reason: reason,
		Age: time.Duration(decided - c.openedAt), Took: time.Duration(took),
	})
	if err != nil {
		p.noteError(err)
	}
}
