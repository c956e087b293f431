package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
	"github.com/sqlpool/go/sqlpool/internal/verdict"
)

// conclude ends a try that failed: it finds out the facts, and does what package
// verdict makes of them. It returns what leave does.
func (s *session) conclude(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	over := ended(ctx)
	f := s.facts(c, a, over, err)
	c.noteAnswer(f.Answer, over)
	v := verdict.Of(f)
	if v.Again == verdict.Here {
		return s.clearStale(ctx, c, a, op)
	}
	cause := causeOf(v.Cause, err, over)
	if v.Conn != pgerror.Statement {
		c.fail(Class(v.Conn), cause)
		if v.Unborn {
			c.diedUnused(cause)
		}
	}
	if v.Again == verdict.Elsewhere {
		a.moves(c)
		s.tx.leaveConn()
		s.conn = nil
		s.pool.release(c)
		return nil
	}
	if v.Used {
		s.used = true
	}
	if v.Lost {
		s.lost = &ConnLostError{Conn: c.id, Op: op, Sent: v.Unknown, Err: c.cause(cause)}
	}
	return s.failure(v.Tell, err, over)
}

// clearStale makes room for a statement that is prepared anew: pgx returns what
// it has prepared under a text until that is closed.
func (s *session) clearStale(ctx context.Context, c *Conn, a *attempt, op string) error {
	a.restated = true
	err := c.stmts.CloseGone("")
	if err == nil {
		return nil
	}
	a.mark(c) // of the statement nothing was executed, and closing it may fail
	return s.conclude(ctx, c, a, op, err)
}

// causeOf is the error that is kept for a connection that is not lent again.
func causeOf(cause verdict.Cause, err, over error) error {
	switch cause {
	case verdict.CauseContext:
		return over
	case verdict.CauseBadConn:
		return driver.ErrBadConn
	}
	return err
}

// failure is the error that the caller gets of one that the driver returned.
func (s *session) failure(tell verdict.Told, err, over error) error {
	switch tell {
	case verdict.TellLost:
		return s.lost
	case verdict.TellBoth:
		return fmt.Errorf("%w: %w", over, err)
	case verdict.TellContext:
		if !errors.Is(err, over) { // else it says the same, and is what the driver's own helpers know: pgconn.Timeout
			err = over
		}
	}
	return hideBadConn(err)
}

// fail marks a connection as not to be lent again and passes on what its error
// says about the others.
func (c *Conn) fail(class Class, err error) {
	code := CodeBroken
	if class == ClassReadOnly {
		code = CodeReadOnly
	}
	if c.broken == nil {
		c.broken = because(code, err)
	}
	if class == ClassFatal || class == ClassReadOnly {
		c.pool.suspectAll(c, err)
	}
}

// diedUnused notes that the connection died at the first statement of its life. It is
// then as good as a failed dial: what stands between the pool and the server, as
// a pooler does, takes logins while the server is down.
func (c *Conn) diedUnused(err error) {
	if c.loan == 1 {
		failure := c.pool.judgeDial(hollowError(c.cause(err)))
		c.unborn = &failure
	}
}
