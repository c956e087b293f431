package libpq

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/lib/pq"
)

// ResetSession implements driver.SessionResetter. It sends nothing. The pool has
// rolled back by now what a borrower left open; other code that has put the
// connection aside must not hand it out inside a transaction.
func (c *conn) ResetSession(ctx context.Context) error {
	c.guard.rest()
	c.call, c.before = call{}, call{}
	if !c.fit() || c.TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	return c.inner.ResetSession(ctx)
}

// IsValid implements driver.Validator. It sends nothing. It looks at the socket
// too: of one that was cut between calls lib/pq learns at the next. The pool also asks
// after a call that failed, when rows of an earlier one may be open.
func (c *conn) IsValid() bool {
	if c.rows == 0 {
		c.guard.over()
	}
	return c.fit() && c.inner.IsValid()
}

// fit says whether anything may be sent at all. lib/pq goes on after a prepared
// statement's cancel request, also when that was cut off on its way and may hit
// the next statement: another borrower's, or of the same transaction. Nor does lib/pq
// see that a panic, of a notice handler for instance, has left it in the middle of an
// answer.
func (c *conn) fit() bool {
	return !c.broken && !c.inside && c.wire.LastError() == nil && c.wire.Settled()
}

// noteStuck finds the connection on which lib/pq waits for an answer to what it
// never sent: with binary_parameters, it marks the connection busy before it
// encodes the arguments and leaves it so when that fails. One that was busy before
// has refused a second query.
func (c *conn) noteStuck(err error) {
	if !c.binary || err == nil || c.call.sent != c.wire.Sent() || c.rows > 0 || c.copying != nil {
		return
	}
	var answer *pq.Error
	if !errors.As(err, &answer) {
		c.broken = true
	}
}
