package sqlpool

import (
	"fmt"
	"sync/atomic"
	"time"
)

// What a connection remembers of its loans for hooks and for people. It is read
// while the borrower works: Conn.mu protects it, but for the count.

// statements counts the statements that a connection has executed, and knows the
// loan of the last one by the lower digits of its number. One word, because each
// statement writes both. Only the borrower writes it.
type statements struct{ word atomic.Uint64 }

const statementOne = 1 << 24 // the count begins here; it is full after 10¹² statements

func (s *statements) count() uint64 { return s.word.Load() / statementOne }

// of reports whether the last one was executed in that loan. A loan that
// executes nothing could be taken for one that lies 2²⁴ loans, none of which
// executed anything, before it.
func (s *statements) of(loan uint64) bool {
	return s.word.Load()%statementOne == loan%statementOne
}

func (s *statements) add(loan uint64) {
	s.word.Store((s.count()+1)*statementOne + loan%statementOne)
}

// Uses is how many statements it has executed. Any goroutine.
func (c *ConnRef) Uses() uint64 {
	return c.executed.count()
}

// LastStatement is the text of the statement that the loan of that number (see Loans)
// has executed last, without its arguments; empty when it has executed none, when
// another loan has since, and under Config.HideStatements. Any goroutine.
func (c *ConnRef) LastStatement(loan uint64) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.textOfLocked(loan)
}

func (c *ConnRef) textOfLocked(loan uint64) string {
	if !c.executed.of(loan) {
		return "" // what an earlier borrower left here is not its doing
	}
	return c.text
}

// Err is the error of the last statement that failed in the present loan, or nil:
// what the caller got, from the driver or the pool. Errors that only come up
// while rows are read are not seen.
func (c *ConnRef) Err() error {
	number := c.loan
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failOf != number {
		return nil
	}
	return c.failed
}

// noteError keeps the error of a statement for Err.
func (c *ConnRef) noteError(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.failOf = err, c.loan
}

// InTransaction reports whether a transaction begun through database/sql is
// open. Any goroutine.
func (c *ConnRef) InTransaction() bool { return c.inTx.Load() }

// setOrigin is Acquired.SetOrigin.
func (c *ConnRef) setOrigin(origin fmt.Stringer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.origin, c.from = origin, c.loan
}

// EndUnseen reports what Holder.EndUnseen says of the present loan. Any goroutine.
func (c *ConnRef) EndUnseen() bool {
	loan, _, lent := c.Lending()
	c.mu.Lock()
	defer c.mu.Unlock()
	return lent && c.endUnseenLocked(loan)
}

// endUnseenLocked is called with c.mu held.
func (c *ConnRef) endUnseenLocked(loan uint64) bool {
	return c.unseen == loan && c.unseenBy != nil && c.unseenBy.hidden()
}

// noteEndUnseen has Holder.EndUnseen say that the end of the present loan is hidden
// from the pool, as soon as it is known that the notice is.
func (c *ConnRef) noteEndUnseen(n *notice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unseen, c.unseenBy = c.loan, n
}

// notice is what is known of the way by which database/sql tells sessions that their
// loans are over: IsValid. A wrapper above the pool may hide it (see sql_hidden.go).
type notice struct {
	seen    atomic.Bool // a session has had one, so no wrapper hides it
	skipped atomic.Bool // a session should have had one, and has not
}

func (n *notice) hidden() bool { return n.skipped.Load() && !n.seen.Load() }

// note keeps a statement's text for diagnostics and counts it.
func (c *ConnRef) note(text string) {
	if c.pool.cfg.HideStatements {
		text = ""
	}
	if c.text == text {
		c.executed.add(c.loan)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = text
	c.executed.add(c.loan) // with the text, or another loan could be taken for the one that executes it
}

// describe tells of the loan with the given number.
func (c *ConnRef) describe(loan uint64, held time.Duration) Holder {
	h := Holder{Conn: c.id, Held: held, InTransaction: c.inTx.Load(), Backend: c.backend, Activity: c.Activity()}
	if origin := c.recall(loan, &h); origin != nil {
		h.Origin = fmt.Sprint(origin) // survives a panic in String
	}
	return h
}

// recall is what mu protects of describe.
func (c *ConnRef) recall(loan uint64, h *Holder) (origin fmt.Stringer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.LastStatement = c.textOfLocked(loan)
	if c.from == loan {
		origin = c.origin
	}
	h.EndUnseen = c.endUnseenLocked(loan)
	return origin
}
