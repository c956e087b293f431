package sqlpool

import (
	"fmt"
	"time"
)

// What a connection remembers of its loans for hooks and for people. It is read
// while the borrower works: Conn.mu protects it.

// Uses is how many statements it has executed. Any goroutine.
func (c *Conn) Uses() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.uses
}

// LastStatement is the text of the statement executed last, without its
// arguments; empty under Config.HideStatements. Any goroutine.
func (c *Conn) LastStatement() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text
}

// Err is the error of the last statement that failed in the present loan, or nil:
// what the caller got, from the driver or the pool. Errors that only come up
// while rows are read are not seen.
func (c *Conn) Err() error {
	number := c.number()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failOf != number {
		return nil
	}
	return c.failed
}

// noteError keeps the error of a statement for Err.
func (c *Conn) noteError(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.failOf = err, c.number()
}

// InTransaction reports whether a transaction begun through package sql is
// open. Any goroutine.
func (c *Conn) InTransaction() bool { return c.inTx.Load() }

// SetOrigin names who tells where the present loan was acquired. The pool asks
// it, from any goroutine, when it reports holders. It is forgotten with the
// loan. Only OnAcquire hooks may call it.
func (c *Conn) SetOrigin(origin fmt.Stringer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.origin, c.from = origin, c.number()
}

// note keeps a statement's text for diagnostics and counts it.
func (c *Conn) note(text string) {
	if c.pool.cfg.HideStatements {
		text = ""
	}
	c.mu.Lock()
	if c.text != text {
		c.text = text
	}
	c.textOf = c.number()
	c.uses++
	c.mu.Unlock()
}

// describe tells of the loan with the given number. What an earlier borrower
// left here is not its doing.
func (c *Conn) describe(loan uint64, held time.Duration) Holder {
	h := Holder{Conn: c.id, Held: held, InTransaction: c.inTx.Load()}
	var origin fmt.Stringer
	c.mu.Lock()
	if c.textOf == loan {
		h.LastStatement = c.text
	}
	if c.from == loan {
		origin = c.origin
	}
	c.mu.Unlock()
	if origin != nil {
		h.Origin = fmt.Sprint(origin) // survives a panic in String
	}
	return h
}
