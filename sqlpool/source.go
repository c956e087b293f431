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
// again gets another source, and so is new, as without the pool. Where package sql has
// discarded the last session that had a statement of it, its *sql.Stmt may be open
// still, which no session can tell. Then it is kept for the next session of that *sql.Stmt, until
// its text comes from somewhere else. See
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
	kept   []*source          // those without a session, the oldest first
	keeps  atomic.Int32       // how many

	// ended counts the sources that have: a connection looks through its own when
	// it has changed.
	ended atomic.Uint64
}

// mostKept is how many sources are kept without a session.
const mostKept = 128

// closedWithSession reports whether package sql closes a statement because it discards
// the session, by the name of its function for that. If a version of Go has another name, what is
// discarded counts as closed by the program: that costs a round trip and no answer.
func closedWithSession() bool { return lineIn("database/sql.(*driverConn).finalClose") > 0 }

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
	all := &p.sources
	all.mu.Lock()
	src := all.byText[text]
	var conns []*Conn
	switch {
	case src != nil && again && !s.has(src):
		if src.open == 0 {
			all.unkeepLocked(src)
		}
	case src != nil && src.open == 0:
		conns = all.endLocked(src)
		fallthrough
	default:
		src = &source{text: text}
		if all.byText == nil {
			all.byText = make(map[string]*source)
		}
		all.byText[text] = src
	}
	src.open++
	all.mu.Unlock()
	p.tidy(conns)
	return src
}

// leave is told that a statement of a session is closed, and keep that it may be prepared
// again on another. It reports whether the source has ended.
func (p *Pool) leave(src *source, keep bool) (ended bool) {
	all := &p.sources
	all.mu.Lock()
	if src.open--; src.open > 0 {
		all.mu.Unlock()
		return false
	}
	ended = !keep || all.byText[src.text] != src
	out := src
	if !ended {
		all.kept = append(all.kept, src)
		all.keeps.Store(int32(len(all.kept)))
		if out = nil; len(all.kept) > mostKept {
			out = all.kept[0]
		}
	}
	var conns []*Conn
	if out != nil {
		conns = all.endLocked(out)
	}
	all.mu.Unlock()
	p.tidy(conns)
	return ended
}

// endKept ends what is kept of a text, which is going to run as a query.
func (p *Pool) endKept(text string) {
	all := &p.sources
	if all.keeps.Load() == 0 {
		return
	}
	all.mu.Lock()
	var conns []*Conn
	if src := all.byText[text]; src != nil && src.open == 0 {
		conns = all.endLocked(src)
	}
	all.mu.Unlock()
	p.tidy(conns)
}

// endLocked ends a source and returns the connections on which it is prepared.
func (all *sources) endLocked(src *source) (conns []*Conn) {
	if all.byText[src.text] == src {
		delete(all.byText, src.text)
	}
	all.unkeepLocked(src)
	src.ended.Store(true)
	all.ended.Add(1) // after ended: see stmtCache.collect
	conns, src.conns = src.conns, nil
	return conns
}

func (all *sources) unkeepLocked(src *source) {
	all.kept = slices.DeleteFunc(all.kept, func(other *source) bool { return other == src })
	all.keeps.Store(int32(len(all.kept)))
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
