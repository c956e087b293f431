package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"time"
)

// facts are what is known of a try that failed.
type facts struct {
	class    Class // what the error means, by its SQLSTATE or its type
	explicit bool  // Config.Classify has said so
	answer   bool  // the error is the server's own
	says     word  // what the driver says of the connection now

	refused bool // an argument was refused before the driver was called
	stale   bool // nothing was executed, and a statement prepared anew may do
	over    bool // the caller's context has ended
	own     bool // the driver gave the connection up before, with a context that the caller ended
	cut     bool // the pool has cut the call off
	sent    bool // something of it may have reached the server

	used     bool // the session has used the connection, perhaps in a transaction
	final    bool // there is no second try
	harmless bool // it leaves nothing on a connection that dies: trying again is always safe
	readOnly bool // the transaction is read-only, or the primary was not asked for
}

// word is what a driver says of its connection.
type word int8

const (
	saysNothing word = iota
	saysValid        // driver.Validator holds it to be good
	saysReady        // so does the transaction status, which only a server that goes on sends
	saysGone         // the driver has given it up
)

// verdict is what follows from the facts.
type verdict struct {
	conn  Class // ClassStatement: the connection stays; else what fail does
	again again
	lost  bool // the session's loan is of no use any more
	tell  told
}

type again int8

const (
	never     again = iota
	here            // on this connection
	elsewhere       // on another one
)

// told is the error that the caller gets.
type told int8

const (
	tellError   told = iota // the driver's
	tellContext             // the context's, in the driver's form if it has one
	tellLost                // a ConnLostError
)

// judge decides what a failed try means for its connection, for a second try and
// for the caller. TestVerdicts has its rows.
func judge(f facts) verdict {
	class := f.meaning()
	switch {
	case f.refused, class == ClassStatement && !f.stale:
		return verdict{conn: ClassStatement}
	case class == ClassStatement:
		return verdict{conn: ClassStatement, again: here}
	case f.over && !f.sent && !f.answer && f.says != saysGone: // the driver saw the context end before it began
		return verdict{conn: ClassStatement, tell: tellContext}
	}
	v := verdict{conn: class, lost: class != ClassReadOnly, tell: tellLost}
	if f.over || f.own {
		v.conn, v.lost = ClassConn, true // no evidence against the server
	}
	switch {
	case f.over && !(f.answer && f.class == ClassStatement):
		v.tell = tellContext
	case f.answer: // the server's last word
		v.tell = tellError
	}
	if !f.used && (f.harmless || !f.sent) && !f.final && !f.over {
		v.again, v.lost = elsewhere, false
	}
	return v
}

// meaning is the class of the error together with what the driver says of the
// connection. The driver's word counts for more than an SQLSTATE: a function may
// raise any, as ERROR, and the connection goes on; only a server that ends the
// session sends it as FATAL, and then the driver has given up.
func (f facts) meaning() Class {
	switch {
	case f.class == ClassReadOnly && f.readOnly:
		return ClassStatement // the caller's own doing
	case f.class == ClassReadOnly || f.explicit:
		return f.class
	case f.answer && f.says == saysReady:
		return ClassStatement
	case (f.class == ClassPermanent || f.class == ClassUnavailable) && f.says == saysValid && !f.over:
		return ClassStatement // of DROP DATABASE (3D000) and the like; it was no dial
	case f.class == ClassStatement && f.says == saysGone && f.answer:
		return ClassConn // answered, and given up: a cancelled call
	case f.class == ClassStatement && f.says == saysGone && !f.cut:
		// An error of the driver's own making, and not of a call that the pool
		// has cut off. pgx says "conn closed" of a COMMIT whose reply was lost,
		// and that it is safe to retry.
		return ClassFatal
	}
	return f.class
}

// judgeError is leave for an error that is one.
func (s *session) judgeError(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	over := ended(ctx)
	if over == context.DeadlineExceeded {
		c.unheard = true
	}
	f := s.facts(c, a, over, err)
	if f.answer || over != nil {
		c.answered = f.answer
	}
	v := judge(f)
	if v.again == here {
		a.restated = true
		// pgx hands out what it has prepared under a text until that is
		// closed, so what is stale must go before it is prepared anew.
		closing := c.stmts.closeGone("")
		if closing == nil {
			return nil
		}
		if c.can.sent != nil { // of the statement nothing was executed, and closing it may fail
			a.sent = c.can.sent()
		}
		return s.judgeError(ctx, c, a, op, closing)
	}
	known := err
	switch {
	case v.tell == tellContext:
		known = over
		if !errors.Is(err, over) { // else it says the same, and is what the driver's own helpers know: pgconn.Timeout
			err = over
		}
	case f.class == ClassStatement && v.conn == ClassFatal:
		known = driver.ErrBadConn // the driver's words are about what it has found, not about the cause
	}
	if v.conn != ClassStatement {
		c.fail(v.conn, known)
		if over == nil && !f.used && v.conn != ClassReadOnly {
			c.diedUnused(known)
		}
	}
	if v.again == elsewhere && s.triesAgain(c, a) {
		s.conn = nil
		s.pool.release(c)
		return nil
	}
	if !f.refused && !(v.conn == ClassStatement && v.tell == tellContext) {
		s.used = true
	}
	if v.lost || v.again == elsewhere {
		s.lost = &ConnLostError{Conn: c.id, Op: op, Sent: f.sent && !a.harmless, Err: c.cause(known)}
	}
	if v.tell == tellLost && s.lost != nil {
		return s.lost
	}
	if over != nil && v.tell == tellError && isCancelled(err) {
		return fmt.Errorf("%w: %w", over, err) // lib/pq alone says the one or the other, by chance
	}
	return hideBadConn(err)
}

// isCancelled reports whether the server says that it has cancelled a statement.
func isCancelled(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && state.SQLState() == "57014"
}

// facts finds out what judge must know.
func (s *session) facts(c *Conn, a *attempt, over, err error) facts {
	f := facts{
		class:    s.pool.askClassify(err),
		answer:   hasState(err),
		says:     c.says(),
		refused:  a.refused,
		over:     over != nil,
		cut:      errors.Is(c.broken, context.DeadlineExceeded),
		sent:     c.can.sent == nil || c.can.sent() != a.sent,
		used:     s.used || s.tx != nil,
		final:    a.final,
		harmless: a.harmless,
	}
	if f.explicit = f.class != ClassUnknown; !f.explicit {
		f.class = classify(err)
	}
	f.readOnly = s.tx != nil && s.tx.readOnly
	if f.class == ClassReadOnly && !f.readOnly { // else it is what the caller asked for
		s.pool.noteReadOnly(err)
		f.readOnly = !s.pool.wantsPrimary && !f.explicit
	}
	f.stale = a.prepared && !a.restated && c.can.stale != nil && isStale(err) && c.can.stale(err) && !s.inTransaction(c)
	f.own = !f.answer && !f.sent && f.says == saysGone && s.rowsOf != nil && ended(s.rowsOf) != nil && c.closedItself()
	return f
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

// says asks the driver what it holds of the connection.
func (c *Conn) says() word {
	switch {
	case c.can.isValid == nil:
		return saysNothing
	case c.gone():
		return saysGone
	case c.can.panicked != nil && *c.can.panicked != nil:
		return saysNothing
	case c.can.txStatus != nil && c.can.txStatus() != 0:
		return saysReady
	}
	return saysValid
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
