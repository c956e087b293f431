package fakedb

import (
	"context"
	"database/sql/driver"
	"errors"
)

// do runs one method: the checks, the scripted faults in their stages, and the effect on the server.
func (c *Conn) do(ctx context.Context, p Point, text string, args []driver.NamedValue, effect func() error) error {
	defer c.leave(c.enter(p))
	if c.state.Load() != isOpen {
		if !p.ofRows() { // the caller may close Rows after a forced Close, and the pool cannot know
			c.db.violation("conn %d: %v after Close", c.id, p)
		}
		return driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil && p != Commit && p != Rollback { // see BeginTx
		return err
	}
	if d := c.death.Load(); d != nil && p.needsServer() {
		return c.dead(p, text, d)
	}
	h := c.db.strike(Call{Ctx: ctx, Point: p, Conn: c.id, Text: text, Args: args})
	if h == nil {
		c.send(p, text)
		return c.reply(p, effect())
	}
	if h.Stage == BeforeSend {
		if err := c.befall(ctx, h); err != nil {
			return err
		}
	}
	if d := c.death.Load(); d != nil && p.needsServer() {
		return c.dead(p, text, d)
	}
	c.send(p, text)
	if h.Stage == AfterSend {
		if err := c.befall(ctx, h); err != nil {
			return c.reply(p, err)
		}
	}
	if err := c.reply(p, effect()); err != nil || h.Stage != AfterEffect {
		return err
	}
	return c.befall(ctx, h)
}

// befall lets the fault happen.
func (c *Conn) befall(ctx context.Context, h *hit) error {
	err := h.wait(ctx, c.cut)
	if h.Kill {
		c.Kill(Death{})
		c.noticed.Store(true)
	}
	if err != nil {
		return c.lost(err)
	}
	return h.finish()
}

func (c *Conn) send(p Point, text string) {
	if p.sends() {
		c.sent.Add(uint64(5 + len(text)))
	}
}

// reply does what an error does to the open transaction.
func (c *Conn) reply(p Point, err error) error {
	if err == nil {
		return nil
	}
	if p.runs() {
		c.status.CompareAndSwap('T', 'E')
	}
	if p == Commit && errors.As(err, new(*Error)) {
		c.end(false) // the server refused to commit: the transaction is over
	}
	return err
}

// enter notes that the method runs. It returns whether leave must note the end.
func (c *Conn) enter(p Point) bool {
	c.calls[p].Add(1)
	if p.ofRows() && (c.death.Load() != nil || c.state.Load() != isOpen) {
		return false
	}
	for {
		if c.busy.CompareAndSwap(0, uint32(p)+1) {
			return true
		}
		if other := c.busy.Load(); other != 0 {
			c.db.violation("conn %d: %v while %v is running", c.id, p, Point(other-1))
			return false
		}
	}
}

func (c *Conn) leave(entered bool) {
	if entered {
		c.busy.Store(0)
	}
}

func (p Point) ofRows() bool { return p == RowsNext || p == RowsClose }

// needsServer says whether the method finds out that the connection is dead.
func (p Point) needsServer() bool { return p.sends() || p == RowsNext }
