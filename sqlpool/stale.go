package sqlpool

import (
	"errors"
	"slices"
	"strings"
)

// isStale recognises the errors of a prepared statement that the server has
// forgotten (26000) or whose result has changed its shape since (0A000 with
// just this message, PostgreSQL's plancache.c). The drivers keep such a
// statement and fail for ever; here it is forgotten and prepared anew. It is
// tried once more only outside a transaction, and only when the adapter knows
// from the error that nothing has been executed (the ability StatementStale):
// a procedure that commits and then fails has the same SQLSTATE.
func isStale(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	switch state.SQLState() {
	case "26000":
		return true
	case "0A000":
		return strings.Contains(err.Error(), "cached plan must not change result type")
	}
	return false
}

// forgetStale drops what was prepared on c for a statement, or for a text when
// st is nil, if err says that it is stale. It is closed when the loan ends.
func (c *Conn) forgetStale(st *stmt, text string, err error) {
	if err == nil || !isStale(err) {
		return
	}
	c.stmts.drop(text)
	if st == nil {
		return
	}
	for i, o := range st.own {
		if o.conn == c {
			c.stmts.evicted = append(c.stmts.evicted, o.stmt)
			st.own = slices.Delete(st.own, i, i+1)
			return
		}
	}
}
