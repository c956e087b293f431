package libpq

import (
	"errors"

	"github.com/lib/pq"
)

// StatementStale reports whether err came before a prepared statement began to
// execute, because the server has forgotten it or its result has changed its
// shape. The SQLSTATE alone does not tell: a procedure may commit and then fail
// with the same one. Then the server says in Where what was executing, and so
// does dblink; an error raised by a program has another routine.
func (c *conn) StatementStale(err error) bool {
	var e *pq.Error
	if !errors.As(err, &e) || e.Where != "" {
		return false
	}
	return e.Code == "26000" && e.Routine == "FetchPreparedStatement" ||
		e.Code == "0A000" && e.Routine == "RevalidateCachedQuery"
}
