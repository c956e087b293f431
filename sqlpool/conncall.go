package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
)

// Raw returns the driver's own connection.
func (c *Conn) Raw() driver.Conn { return driverx.Unwrap(c.inner) }

// Ping asks the server for a sign of life; without a driver.Pinger it
// succeeds.
func (c *Conn) Ping(ctx context.Context) error {
	if p, ok := c.inner.(driver.Pinger); ok {
		return hideBadConn(p.Ping(ctx))
	}
	return nil
}

// Exec executes a statement without arguments on the connection, as a hook
// does for SET or ROLLBACK. It does not count as a use.
func (c *Conn) Exec(ctx context.Context, query string) error {
	_, err := driverx.Exec(ctx, c.inner, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = driverx.Prepare(ctx, c.inner, query); err == nil {
			_, err = driverx.StmtExec(ctx, stmt, nil)
			_ = stmt.Close() // err says what matters
		}
	}
	return hideBadConn(err)
}

// Query executes a statement without arguments on the connection and returns its
// rows, with text as string. It is Exec for a hook that needs the answer.
func (c *Conn) Query(ctx context.Context, query string) ([][]driver.Value, error) {
	rows, err := driverx.Query(ctx, c.inner, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = driverx.Prepare(ctx, c.inner, query); err == nil {
			defer func() { _ = stmt.Close() }() // err says what matters
			rows, err = driverx.StmtQuery(ctx, stmt, nil)
		}
	}
	if err != nil {
		return nil, hideBadConn(err)
	}
	defer func() { _ = rows.Close() }() // Next has told what is wrong
	var all [][]driver.Value
	for {
		row := make([]driver.Value, len(rows.Columns()))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, hideBadConn(err)
		}
		for i, v := range row {
			if text, ok := v.([]byte); ok { // the driver's, until the next row
				row[i] = string(text)
			}
		}
		all = append(all, row)
	}
}

// abort cuts the connection if its driver can.
func (c *Conn) abort() {
	var err error
	defer catch("Abort", &err)
	if c.can.abort != nil {
		_ = c.can.abort()
	}
}

// abortAtEnd cuts the connection when ctx ends, during a call of the driver that takes
// no context. stop reports whether that did not happen, and then it never will: one
// that has begun is waited for, else it would cut the connection under a later borrower.
func (c *Conn) abortAtEnd(ctx context.Context) (stop func() bool) {
	over := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(over)
		c.abort()
	})
	return func() bool {
		if unwatch() {
			return true
		}
		<-over
		if c.can.abort != nil && c.broken == nil {
			c.broken = because(CodeBroken, ctx.Err())
		}
		return false
	}
}

// gone reports whether the driver has given the connection up. One that panics has
// not said so.
func (c *Conn) gone() bool {
	return c.can.isValid != nil && !c.can.isValid() && (c.can.panicked == nil || *c.can.panicked == nil)
}

// seenBroken returns what broke the connection, if the driver has seen it, from any
// goroutine: no look at the socket, which is the borrower's.
func (c *Conn) seenBroken() error {
	if c.can.lastError == nil {
		return nil
	}
	return hideBadConn(c.can.lastError())
}

// closedItself reports whether the driver has closed the connection without a word
// from the server or the network.
func (c *Conn) closedItself() bool {
	if c.can.lastError == nil {
		return false
	}
	last := c.can.lastError()
	return last == nil || errors.Is(last, net.ErrClosed) || errors.Is(last, context.Canceled) || errors.Is(last, context.DeadlineExceeded)
}

// cause returns what is known of why the connection broke. driver.ErrBadConn
// says nothing; the socket or the server may have said more.
func (c *Conn) cause(err error) error {
	if errors.Is(err, driver.ErrBadConn) && c.can.lastError != nil {
		if last := c.can.lastError(); last != nil {
			err = last
		}
	}
	return hideBadConn(err)
}

// SetUp runs the AfterConnect hooks again, and before them what the driver's
// connector does after a connect (pgxv5.AfterConnect), for a hook that has taken
// away what they had set: a reset of the session. Only a hook that was given the
// Conn may call it, and not from AfterConnect. An error is the first hook's that
// refuses: the connection is then to be retired.
func (c *Conn) SetUp(ctx context.Context) error {
	if again, ok := driverx.Find[interface{ AfterConnect(context.Context) error }](c.inner); ok {
		if err := again.AfterConnect(ctx); err != nil {
			return hideBadConn(err)
		}
	}
	return decideAside(ctx, "AfterConnect", c.pool.hooks.afterConnect, c)
}
