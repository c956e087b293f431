// Package stmts keeps what is prepared on the connections of a pool: [Cache] on one of them, [Sources] what the program's
// *sql.Stmt have in common on all.
package stmts

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Source is what a *sql.Stmt has in common on all sessions. Database/sql prepares
// a *sql.Stmt anew on each session that executes it. What is prepared on a physical
// connection belongs to the source, not to the session: it is prepared once there,
// however many sessions the *sql.Stmt has.
//
// It ends when no session has a statement of it any more, as after Stmt.Close, and
// what is prepared of it is closed then. A *sql.Stmt that is closed and prepared
// again gets another source, and so is new, as without the pool. Where database/sql has
// discarded the last session that had a statement of it, its *sql.Stmt may be open
// still, which no session can tell. Then it is kept for the next session of that *sql.Stmt, until
// its text comes from somewhere else. See
// docs/decisions/0025-what-a-sql-stmt-is-to-the-pool.md.
type Source[C comparable] struct {
	text  string
	ended atomic.Bool

	// Protected by Sources.mu.
	open  int // statements of sessions
	conns []C // on which it is prepared, or was
}

// Sources are a pool's. The zero value is ready; all methods may be called from any
// goroutine.
type Sources[C comparable] struct {
	// mu is held for a few instructions, and no other lock is taken meanwhile.
	mu     sync.Mutex
	byText map[string]*Source[C] // the latest of each text
	kept   []*Source[C]          // those without a session, the oldest first
	keeps  atomic.Int32          // how many

	ended atomic.Uint64 // how many have
}

// mostKept is how many sources are kept without a session.
const mostKept = 128

// Join finds the source for a new statement of a session. A *sql.Stmt that is
// prepared again has the latest source of its text, unless the session has
// a statement of that, which is another *sql.Stmt's then. It returns also the
// connections on which something has ended with it.
func (all *Sources[C]) Join(text string, again bool, has func(*Source[C]) bool) (src *Source[C], ended []C) {
	all.mu.Lock()
	defer all.mu.Unlock()
	src = all.byText[text]
	switch {
	case src != nil && again && !has(src):
		if src.open == 0 {
			all.unkeepLocked(src)
		}
	case src != nil && src.open == 0:
		ended = all.endLocked(src)
		fallthrough
	default:
		src = &Source[C]{text: text}
		if all.byText == nil {
			all.byText = make(map[string]*Source[C])
		}
		all.byText[text] = src
	}
	src.open++
	return src, ended
}

// Leave takes away one statement of the source, which its session has closed; keep says that
// it may be prepared again on another session. It reports whether the source has ended, and the connections on
// which something has ended with it.
func (all *Sources[C]) Leave(src *Source[C], keep bool) (ended bool, conns []C) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if src.open--; src.open > 0 {
		return false, nil
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
	if out != nil {
		conns = all.endLocked(out)
	}
	return ended, conns
}

// EndKept ends what is kept of a text, which is going to run as a query, and returns the
// connections on which it is prepared.
func (all *Sources[C]) EndKept(text string) []C {
	if all.keeps.Load() == 0 {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if src := all.byText[text]; src != nil && src.open == 0 {
		return all.endLocked(src)
	}
	return nil
}

// Ended counts the sources that have: a connection looks through its own when it has
// changed.
func (all *Sources[C]) Ended() uint64 { return all.ended.Load() }

// endLocked ends a source and returns the connections on which it is prepared.
func (all *Sources[C]) endLocked(src *Source[C]) (conns []C) {
	if all.byText[src.text] == src {
		delete(all.byText, src.text)
	}
	all.unkeepLocked(src)
	src.ended.Store(true)
	all.ended.Add(1) // after ended: see Cache.Collect
	conns, src.conns = src.conns, nil
	return conns
}

func (all *Sources[C]) unkeepLocked(src *Source[C]) {
	all.kept = slices.DeleteFunc(all.kept, func(other *Source[C]) bool { return other == src })
	all.keeps.Store(int32(len(all.kept)))
}

// HeldOn remembers that a source is prepared on c.
func (all *Sources[C]) HeldOn(src *Source[C], c C) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if !slices.Contains(src.conns, c) {
		src.conns = append(src.conns, c)
	}
}

// Closed forgets c, which is closed, with all that is prepared on it.
func (all *Sources[C]) Closed(c C, prepared *Cache[C]) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for src := range prepared.held {
		src.conns = slices.DeleteFunc(src.conns, func(other C) bool { return other == c })
	}
}
