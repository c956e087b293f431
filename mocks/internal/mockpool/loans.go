package mockpool

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

// loans knows which connections are out, and which came back only because the
// context of their test ended.
type loans struct {
	m    *mockDB
	root *watch

	mu      sync.Mutex
	out     map[uint64]*loan // by sqlpool.Conn.ID
	late    map[*watch][]leak.Report
	subs    []*watch      // the subtests that are watched now
	changed chan struct{} // closed and replaced when one comes back
}

// loan is a connection that is out.
type loan struct {
	conn *conn
	by   *watch // the only subtest that was watched then, or the root
	told bool   // a verdict has named it
}

func newLoans(m *mockDB) *loans {
	return &loans{m: m, root: &watch{t: m.t}, out: make(map[uint64]*loan), late: make(map[*watch][]leak.Report), changed: make(chan struct{})}
}

func (l *loans) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{AfterConnect: l.connected, OnAcquire: l.acquired, OnRelease: l.released}
}

func (l *loans) begin(w *watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = append(l.subs, w)
}

// end leaves what a subtest still has to the verdict on the test that opened
// the database.
func (l *loans) end(w *watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = slices.DeleteFunc(l.subs, func(s *watch) bool { return s == w })
	for _, out := range l.out {
		if out.by == w {
			out.by = l.root
		}
		out.conn.tied.CompareAndSwap(w, nil)
	}
}

// whose returns the watch whose test has this very context, or nil.
func (l *loans) whose(ctx context.Context) *watch {
	if ctx.Done() == nil {
		return nil
	}
	if ctx.Done() == l.root.t.Context().Done() {
		return l.root
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.subs {
		if ctx.Done() == w.t.Context().Done() {
			return w
		}
	}
	return nil
}

func (l *loans) connected(_ context.Context, c *sqlpool.Conn) error {
	c.SetValue(l, c.Raw().(*conn))
	return nil
}

func (l *loans) acquired(e sqlpool.Acquired) {
	c := e.Conn.Value(l).(*conn)
	c.tied.Store(nil)
	c.lent.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	out := &loan{conn: c, by: l.root}
	if len(l.subs) == 1 { // of several at once, only the context tells which
		out.by = l.subs[0]
	}
	l.out[e.Conn.ID()] = out
}

func (l *loans) released(e sqlpool.Released) {
	c := e.Conn.Value(l).(*conn)
	c.lent.Store(false)
	var late []leak.Report
	w := c.tied.Load()
	if w != nil && w.t.Context().Err() != nil {
		if by := endedByContext(); by != "" {
			late = l.holders(e.Conn.ID())
			for i := range late {
				late[i].InTransaction = by == "Tx" // not any more
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if out := l.out[e.Conn.ID()]; len(late) > 0 && out != nil && !out.told {
		l.late[w] = append(l.late[w], late...)
	}
	delete(l.out, e.Conn.ID())
	close(l.changed)
	l.changed = make(chan struct{})
}

// endedByContext returns "Tx" or "Rows" if database/sql is giving up one of
// those because its context has ended, and not the code that had it. With the
// context of testing.TB that is at the end of the test, and a leak all the same.
func endedByContext() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		switch f.Function {
		case "database/sql.(*Tx).awaitDone":
			return "Tx"
		case "database/sql.(*Rows).awaitDone":
			return "Rows"
		}
		if !more {
			return ""
		}
	}
}

func (l *loans) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.out)
}

// leaked waits at most as long for the connections of w to come back, and
// returns those that did not, and those that did too late.
func (l *loans) leaked(w *watch, wait time.Duration) []leak.Report {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for waiting := true; waiting; {
		l.mu.Lock()
		changed, left := l.changed, len(l.ofLocked(w))
		l.mu.Unlock()
		if left == 0 {
			break
		}
		select {
		case <-changed:
		case <-timer.C:
			waiting = false
		}
	}
	l.mu.Lock()
	ids := l.ofLocked(w)
	for _, id := range ids {
		l.out[id].told = true
	}
	late := l.late[w]
	delete(l.late, w)
	l.mu.Unlock()
	return append(late, l.holders(ids...)...)
}

// ofLocked returns the connections that are out for w, and that no verdict has
// named yet.
func (l *loans) ofLocked(w *watch) []uint64 {
	var ids []uint64
	for id, out := range l.out {
		by := out.by
		if tied := out.conn.tied.Load(); tied != nil && tied != l.root {
			by = tied
		}
		if !out.told && by == w {
			ids = append(ids, id)
		}
	}
	return ids
}

// holders describes the loans of some connections.
func (l *loans) holders(ids ...uint64) []leak.Report {
	var found []leak.Report
	for _, h := range l.m.leaks.Holders() {
		for _, id := range ids {
			if h.Conn == id {
				found = append(found, h)
			}
		}
	}
	return found
}
