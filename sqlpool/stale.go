package sqlpool

import "github.com/sqlpool/go/sqlpool/internal/pgerror"

// heal forgets what was prepared on c for a statement, or for a text when st is
// nil, after an error that may come from its age: the next execution prepares it
// anew. An int column that has become a bigint says 22003, an enum that was
// replaced XX000, a column of another type 42883; the drivers keep such a
// statement, and it would fail for ever.
func (c *Conn) heal(st *stmt, text string, err error) {
	if err == nil {
		return
	}
	switch state := pgerror.State(err); {
	case state == "":
	case st == nil:
		c.stmts.Forget(nil, text) // the program has not asked for its age
	case pgerror.MayBeAge(state):
		c.stmts.Suspect(st.source)
		c.letOldGo()
	}
}

// letOldGo gives up what may be old. In a transaction that has failed nothing can be
// prepared anew: there the statement stays, and what the server says of its execution
// is the answer.
func (c *Conn) letOldGo() {
	if c.stmts.HasOld() && (c.can.txStatus == nil || c.can.txStatus() != 'E') {
		c.stmts.ForgetOld()
	}
}
