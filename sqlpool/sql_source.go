package sqlpool

import (
	"strings"

	"github.com/sqlpool/go/sqlpool/internal/slots"
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

// leave gives up the source of a statement that is closed; keep says that it may be
// prepared again on another session. It reports whether the source has ended.
func (p *Pool) leave(src *source, keep bool) (ended bool) {
	ended, conns := p.sources.Leave(src, keep)
	p.tidy(conns)
	return ended
}

// tidy closes what has ended on those of the connections that are idle, in the
// background: database/sql closes the statements of an idle session with the whole
// *sql.DB locked. Those in use are tidied when their loan ends.
func (p *Pool) tidy(conns []*Conn) {
	if len(conns) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if c.state == slots.Idle && p.idle.Drop(c) {
			p.upkeepLocked(c, cleaning)
		}
	}
}
