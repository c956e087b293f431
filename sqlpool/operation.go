package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"time"
)

// attempt is the state of one operation across its tries.
type attempt struct {
	sent      uint64 // what the connection had sent before this try
	converted bool   // the arguments are converted; a second try must not do it again
	args      []driver.NamedValue
	prepared  bool // the last try executed a prepared statement
	refused   bool // an argument was refused: the error says nothing of the connection
	restated  bool // a stale statement has been prepared anew, or must not be
	harmless  bool // the operation leaves nothing on a connection that dies: trying again is always safe
	loans     int  // loans that broke before anything was sent
	final     bool // there is no second try
}

// mostTries bounds how many dead connections one operation goes through: more
// than a pool has.
const mostTries = 10_000

// enter begins a try: it sees to it that there is a loan and that the caller
// still wants the answer. A context that has ended must not reach the driver,
// because pgx would take it for a broken connection.
func (s *session) enter(ctx context.Context, a *attempt, text string) (*Conn, error) {
	if err := s.sticky; err != nil {
		s.sticky = nil
		return nil, err
	}
	if s.lost != nil {
		return nil, s.lost
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.parked.Load() && s.pool.claim(s) {
		if err := s.take(s.conn); err != nil {
			return nil, err
		}
	}
	if s.conn == nil || s.keptAt != 0 {
		s.unkeep()
		if err := s.acquire(ctx); err != nil {
			return nil, err
		}
	}
	c := s.conn
	if text != "" {
		c.note(text)
	}
	if c.can.sent != nil {
		a.sent = c.can.sent()
	}
	return c, nil
}

// leave ends a try that failed. It returns the error for the caller, or nil
// when the operation is to be tried again: only if it certainly had no effect,
// and on another connection only if nothing of the session has been used on
// the old one. driver.ErrBadConn never leaves: package sql would run the
// statement a second time without knowing what the first did.
func (s *session) leave(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	if err == driver.ErrSkip {
		return err
	}
	left := s.judgeError(ctx, c, a, op, err)
	if left != nil {
		c.noteError(left)
	}
	return left
}

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
	if ofADial(class, err) && over == nil && c.can.isValid != nil && !c.gone() {
		class = ClassStatement
	}
	if class == ClassReadOnly && (!s.pool.wantsPrimary || s.tx != nil && s.tx.readOnly) {
		class = ClassStatement // the caller's own doing
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
	if !s.used && s.tx == nil && (a.harmless || !sent) && !a.final && a.loans < mostTries && over == nil {
		// Each of these tries retires a dead connection, so they end.
		a.loans++
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

// gone reports whether the driver has given the connection up.
func (c *Conn) gone() bool {
	return c.can.isValid != nil && !c.can.isValid()
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

// inTransaction reports whether c is, or may be, in a transaction.
func (s *session) inTransaction(c *Conn) bool {
	return s.tx != nil || c.can.txStatus != nil && c.can.txStatus() != 'I'
}

// Ping implements driver.Pinger.
func (s *session) Ping(ctx context.Context) error {
	ctx, unbind := s.tx.bind(ctx)
	if unbind != nil {
		defer unbind()
	}
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, "")
		if err != nil {
			return err
		}
		p, ok := c.inner.(driver.Pinger)
		if !ok {
			return nil
		}
		if err = p.Ping(ctx); err == nil {
			s.used = true
			return nil
		}
		if err = s.leave(ctx, c, &a, "ping", err); err != nil {
			return err
		}
	}
}
