package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// call is what a call, and the rows that it returned, are judged by.
type call struct {
	guarded
	sent  uint64 // the bytes that were sent before it
	asked uint32 // the cancel requests that were
}

// beginNew is begin for what the server is asked to run.
func (c *conn) beginNew(ctx context.Context, waits bool) error {
	if c.stmtRows > 0 {
		return errInProgress
	}
	return c.begin(ctx, waits)
}

// begin precedes every call. An ended context is the caller's matter, and must
// not reach lib/pq, which would send first and cancel then.
func (c *conn) begin(ctx context.Context, waits bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.fit() {
		return driver.ErrBadConn // nothing was sent
	}
	c.before = c.call
	c.call = call{c.guard.begin(ctx, waits, c.rows > 0), c.wire.Sent(), c.wire.Asked()}
	c.inside = true
	return nil
}

// enter precedes what follows a query: the reading of its rows.
func (c *conn) enter() {
	if c.inside {
		c.broken = true
	}
	c.inside = true
}

// end follows every call. One that failed unsent while rows are open was refused by
// lib/pq, and what is on is still the call whose rows they are.
func (c *conn) end(err error) error {
	if err != nil && c.rows > 0 && c.wire.Sent() == c.call.sent {
		c.inside = false
		c.call = c.before
		c.guard.resume(c.call.guarded)
		return c.reason(err)
	}
	return c.finish(err)
}

// finish follows the end of every call and the closing of its rows. A success that may be none
// becomes an error.
func (c *conn) finish(err error) error {
	c.inside = false
	if c.wire.Asked() == c.call.asked {
		return c.reason(err)
	}
	defer c.guard.over()
	if err == nil {
		return c.doubt()
	}
	return c.reason(err)
}

// reason gives an error its reason: lib/pq turns some into ErrBadConn that are the
// caller's deadline.
func (c *conn) reason(err error) error {
	if err == nil {
		return nil
	}
	var cut *wire.Interrupted
	if errors.Is(err, driver.ErrBadConn) && errors.As(c.wire.LastError(), &cut) {
		return fmt.Errorf("libpq: %w", cut)
	}
	return err
}
