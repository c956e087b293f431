package fakedb

import (
	"database/sql/driver"
	"errors"
	"io"
)

// ErrAborted is returned by calls that were blocked when the connection was aborted or closed.
var ErrAborted = errors.New("fakedb: connection aborted")

// Death is the manner in which a connection dies. The zero Death is visible at once: Alive returns io.EOF,
// blocked calls return io.ErrUnexpectedEOF, and operations return driver.ErrBadConn with nothing sent.
type Death struct {
	Err    error // operations return this; nil: driver.ErrBadConn
	Sent   bool  // operations still write before they fail, as into a socket whose peer has gone
	Hidden bool  // Alive does not see it and blocked calls stay blocked, as with a cable pulled out
}

// Kill kills the connection, from any goroutine. Close is still to be called. A second death is ignored.
func (c *Conn) Kill(d Death) {
	if c.death.CompareAndSwap(nil, &d) && !d.Hidden {
		c.disconnect()
	}
}

// Abort cuts the connection, from any goroutine: blocked calls return ErrAborted, later ones driver.ErrBadConn.
// Close is still to be called.
func (c *Conn) Abort() error {
	c.db.aborts.Add(1) // not in c.calls: it may come after Close
	h := c.db.strike(Call{Ctx: bg, Point: Abort, Conn: c.id})
	if h != nil && h.Stage != AfterEffect {
		if err := c.abortFault(h); err != nil {
			return err
		}
	}
	c.death.CompareAndSwap(nil, &Death{})
	c.noticed.Store(true)
	c.abort.Do(func() { close(c.aborted) })
	c.disconnect()
	if h != nil && h.Stage == AfterEffect {
		return c.abortFault(h)
	}
	return nil
}

func (c *Conn) abortFault(h *hit) error {
	if err := h.wait(bg, nil); err != nil {
		return err
	}
	return h.finish()
}

// disconnect makes blocked calls return.
func (c *Conn) disconnect() { c.cutOnce.Do(func() { close(c.cut) }) }

// dead is the outcome of an operation on a dead connection.
func (c *Conn) dead(p Point, text string, d *Death) error {
	c.noticed.Store(true)
	if d.Sent {
		c.send(p, text)
	}
	if d.Err != nil {
		return d.Err
	}
	return driver.ErrBadConn
}

// lost turns the end of a wait into what the call returns.
func (c *Conn) lost(err error) error {
	if !errors.Is(err, errCut) {
		return err
	}
	c.noticed.Store(true)
	select {
	case <-c.aborted:
		return ErrAborted
	default:
	}
	if c.state.Load() != isOpen {
		return ErrAborted
	}
	return io.ErrUnexpectedEOF
}
