package sqlpool

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A source is what a *sql.Stmt has in common on all sessions. Package sql prepares
// a *sql.Stmt anew on each session that executes it. What is prepared on a physical
// connection belongs to the source, not to the session: it is prepared once there,
// however many sessions the *sql.Stmt has.
//
// It ends when no session has a statement of it any more, as after Stmt.Close, and
// what is prepared of it is closed then. A *sql.Stmt that is closed and prepared
// again gets another source, and so is new, as without the pool. See
// docs/decisions/0025-what-a-sql-stmt-is-to-the-pool.md.
type source struct {
	text  string
	ended atomic.Bool

	// Protected by sources.mu.
	open  int     // statements of sessions
	conns []*Conn // on which it is prepared, or was
}

// sources are a pool's.
type sources struct {
	// mu is held for a few instructions, and no other lock is taken meanwhile.
	mu     sync.Mutex
	byText map[string]*source // the latest of each text

	// ended counts the sources that have: a connection looks through its own when
	// it has changed.
	ended atomic.Uint64
}

// preparesAgain reports whether package sql prepares, on a further session, a
// *sql.Stmt that it has prepared before. A caller that is not found, because a wrapper uses
// another goroutine, counts as a new *sql.Stmt: that costs a round trip and no
// answer.
func preparesAgain() bool {
	caller, method := callerOfSession()
	return caller == callerStmt || caller == callerTx && strings.HasPrefix(method, "Stmt")
}

// join finds the source for a new statement of a session. A *sql.Stmt that is
// prepared again has the latest source of its text, unless the session has
// a statement of that, which is another *sql.Stmt's then.
func (p *Pool) join(s *session, text string, again bool) *source {
	p.sources.mu.Lock()
	defer p.sources.mu.Unlock()
	src := p.sources.byText[text]
	if src == nil || !again || s.has(src) {
		src = &source{text: text}
		if p.sources.byText == nil {
			p.sources.byText = make(map[string]*source)
		}
		p.sources.byText[text] = src
	}
	src.open++
	return src
}

// leave is told that a statement of a session is closed.
func (p *Pool) leave(src *source) {
	p.sources.mu.Lock()
	var conns []*Conn
	if src.open--; src.open == 0 {
		if p.sources.byText[src.text] == src {
			delete(p.sources.byText, src.text)
		}
		src.ended.Store(true)
		p.sources.ended.Add(1) // after ended: see stmtCache.collect
		conns, src.conns = src.conns, nil
	}
	p.sources.mu.Unlock()
	p.tidy(conns)
}

// heldOn remembers that a source is prepared on c.
func (p *Pool) heldOn(src *source, c *Conn) {
	p.sources.mu.Lock()
	defer p.sources.mu.Unlock()
	if !slices.Contains(src.conns, c) {
		src.conns = append(src.conns, c)
	}
}

// heldNoMore is heldOn's end, for a connection that is closed.
func (p *Pool) heldNoMore(src *source, c *Conn) {
	p.sources.mu.Lock()
	defer p.sources.mu.Unlock()
	src.conns = slices.DeleteFunc(src.conns, func(other *Conn) bool { return other == c })
}

// tidy closes what has ended on those of the connections that are idle, in the
// background: package sql closes the statements of an idle session with the whole
// *sql.DB locked. Those in use are tidied when their loan ends.
func (p *Pool) tidy(conns []*Conn) {
	if len(conns) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if c.state == stateIdle && p.dropIdleLocked(c) {
			c.state = stateChecking
			p.checking++
			p.work.Go(func() { p.settle(c) })
		}
	}
}
