package sqlpool

import (
	"errors"
	"strings"
)

// isStale recognises the errors of a prepared statement that the server has
// forgotten (26000) or whose result has changed its shape since (0A000 with
// just this message, PostgreSQL's plancache.c). It is
// tried once more only outside a transaction, and only when the adapter knows
// from the error that nothing has been executed (the ability StatementStale):
// a procedure that commits and then fails has the same SQLSTATE.
func isStale(err error) bool {
	switch stateOf(err) {
	case "26000":
		return true
	case "0A000":
		return strings.Contains(err.Error(), "cached plan must not change result type")
	}
	return false
}

// heal forgets what was prepared on c for a statement, or for a text when st is
// nil, after an error that may come from its age: the next execution prepares it
// anew. An int column that has become a bigint says 22003, an enum that was
// replaced XX000, a column of another type 42883; the drivers keep such a
// statement, and it would fail for ever.
func (c *Conn) heal(st *stmt, text string, err error) {
	if err == nil {
		return
	}
	switch state := stateOf(err); {
	case state == "":
	case st == nil:
		c.stmts.forget(nil, text) // the program has not asked for its age
	case mayBeOld(state):
		c.stmts.suspect(st.source)
		c.letOldGo()
	}
}

// letOldGo gives up what may be old. In a transaction that has failed nothing can be
// prepared anew: there the statement stays, and what the server says of its execution
// is the answer.
func (c *Conn) letOldGo() {
	if len(c.stmts.old) == 0 || c.can.txStatus != nil && c.can.txStatus() == 'E' {
		return
	}
	for src := range c.stmts.old {
		c.stmts.forget(src, src.text)
	}
}

// mayBeOld reports whether the age of a program's *sql.Stmt may be the reason for an SQLSTATE.
// The classes left out speak of rows, transactions and the server, and are part
// of an application's day: a unique violation must not cost a prepare each time.
func mayBeOld(state string) bool {
	switch state[:2] {
	case "23", "25", "40", "53", "55", "57", "P0": // constraint, transaction state, rollback, resources, locks, operator, RAISE
		return false
	}
	return true
}

// stateOf returns the SQLSTATE of an error, or nothing.
func stateOf(err error) string {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return ""
	}
	if s := state.SQLState(); len(s) == 5 {
		return s
	}
	return ""
}
