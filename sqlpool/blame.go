package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"time"
)

// judgeError is leave for an error that is one.
func (s *session) judgeError(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	over := ended(ctx)
	if over == context.DeadlineExceeded {
		c.unheard = true
	}
	if a.refused {
		return hideBadConn(err)
	}
	class := s.pool.classify(err)
	readOnly := class == ClassReadOnly && !(s.tx != nil && s.tx.readOnly) // else it is what the caller asked for
	if readOnly {
		s.pool.noteReadOnly(err)
	}
	if ofADial(class, err) && over == nil && c.can.isValid != nil && !c.gone() {
		class = ClassStatement
	}
	if class == ClassReadOnly && !(readOnly && (s.pool.wantsPrimary || s.pool.saysReadOnly(err))) {
		class = ClassStatement // the program did not ask for a primary
	}
	if class == ClassStatement && !hasState(err) && c.gone() && !errors.Is(c.broken, context.DeadlineExceeded) {
		// An error of the driver's own making, and not of a call that the pool
		// has cut off. pgx says "conn closed" of a COMMIT whose reply was lost,
		// and that it is safe to retry.
		class, err = ClassFatal, driver.ErrBadConn
	}
	if class == ClassStatement {
		if a.prepared && !a.restated && isStale(err) && c.can.stale != nil && c.can.stale(err) && !s.inTransaction(c) {
			a.restated = true
			// pgx hands out what it has prepared under a text until that is
			// closed, so what is stale must go before it is prepared anew.
			if c.stmts.closeEvicted() == nil {
				return nil
			}
		}
		s.used = true
		return hideBadConn(err)
	}
	sent := c.can.sent == nil || c.can.sent() != a.sent
	if over != nil {
		if !sent {
			return over // the driver saw the context end before it began: the connection is as it was
		}
		class = ClassConn // no evidence against the server
		err = over
	}
	c.fail(class, err)
	if over == nil && !s.used && class != ClassReadOnly {
		c.diedUnused(err)
	}
	if !s.used && s.tx == nil && (a.harmless || !sent) && !a.final && s.triesAgain(c, a) && over == nil {
		s.conn = nil
		s.pool.release(c)
		return nil
	}
	s.used = true
	if class == ClassReadOnly {
		return hideBadConn(err) // the connection still works, and may have a transaction to end
	}
	s.lost = &ConnLostError{Conn: c.id, Op: op, Sent: sent && !a.harmless, Err: c.cause(err)}
	if over != nil || hasState(err) {
		return hideBadConn(err) // the caller's own doing, or the server's last word
	}
	return s.lost
}

// ofADial reports whether the server's error would end a dial, but says nothing
// of a connection that its driver still holds to be good: the same SQLSTATEs
// are a statement's own failure, as of DROP DATABASE (3D000) or dblink (08xxx).
func ofADial(class Class, err error) bool {
	if class == ClassPermanent || class == ClassUnavailable {
		return true
	}
	var state interface{ SQLState() string }
	return errors.As(err, &state) && strings.HasPrefix(state.SQLState(), "08")
}

// gone reports whether the driver has given the connection up. One that panics has
// not said so.
func (c *Conn) gone() bool {
	return c.can.isValid != nil && !c.can.isValid() && (c.can.panicked == nil || *c.can.panicked == nil)
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

// ended returns why the caller does not want the answer any more, or nil. A
// driver that sets the deadline on its socket may notice it a moment before
// the context does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// hasState reports whether err is the server's own.
func hasState(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state)
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
