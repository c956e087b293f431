package sqlpool

import (
	"slices"
	"strings"

	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// source is what a *sql.Stmt has in common on all sessions.
type source = stmts.Source[*Conn]

// preparesAgain reports whether database/sql prepares, on a further session, a
// *sql.Stmt that it has prepared before. A caller that is not found, because a wrapper uses
// another goroutine, counts as a new *sql.Stmt: that costs a round trip and no
// answer.
func preparesAgain() bool {
	caller, method := sqlstack.Caller()
	return caller == sqlstack.Stmt || caller == sqlstack.Tx && strings.HasPrefix(method, "Stmt")
}

// join finds the source for a new statement of the session.
func (s *session) join(text string) *source {
	src, ended := s.pool.sources.Join(text, preparesAgain(), s.has)
	s.pool.tidy(ended)
	return src
}

// has reports whether the session has an open statement of a source.
func (s *session) has(src *source) bool {
	return slices.ContainsFunc(s.open, func(st *stmt) bool { return st.source == src })
}

// leaveSource gives up the source of a statement that is closed, and reports whether
// that has ended; keep says that it may be prepared again on another session.
func (st *stmt) leaveSource(keep bool) (ended bool) {
	s := st.session
	s.open = slices.DeleteFunc(s.open, func(other *stmt) bool { return other == st })
	ended, conns := s.pool.sources.Leave(st.source, keep)
	s.pool.tidy(conns)
	st.source = nil
	return ended
}
