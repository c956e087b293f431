package mockpool

import (
	"runtime"
	"sync"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

// loans knows which connections are out, and which came back only because the
// test's context ended.
type loans struct {
	m *mockDB

	mu   sync.Mutex
	out  map[uint64]bool // by sqlpool.Conn.ID
	late []leak.Report
	none chan struct{} // closed and replaced when out becomes empty
}

func newLoans(m *mockDB) *loans {
	return &loans{m: m, out: make(map[uint64]bool), none: make(chan struct{})}
}

func (l *loans) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{OnAcquire: l.acquired, OnRelease: l.released}
}

func (l *loans) acquired(e sqlpool.Acquired) {
	c := e.Conn.Raw().(*conn)
	c.tied.Store(false)
	c.lent.Store(true)
	l.mu.Lock()
	l.out[e.Conn.ID()] = true
	l.mu.Unlock()
}

func (l *loans) released(e sqlpool.Released) {
	c := e.Conn.Raw().(*conn)
	c.lent.Store(false)
	var late []leak.Report
	if c.tied.Load() && l.m.t.Context().Err() != nil {
		if by := endedByContext(); by != "" {
			late = l.holders(e.Conn.ID())
			for i := range late {
				late[i].InTransaction = by == "Tx" // not any more
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, late...)
	delete(l.out, e.Conn.ID())
	if len(l.out) == 0 {
		close(l.none)
		l.none = make(chan struct{})
	}
}

// endedByContext returns "Tx" or "Rows" if package sql is giving up one of
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

// leaked waits at most as long for the connections to come back, and returns
// those that did not, and those that did too late.
func (l *loans) leaked(wait time.Duration) []leak.Report {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for waiting := true; waiting; {
		l.mu.Lock()
		none, empty := l.none, len(l.out) == 0
		l.mu.Unlock()
		if empty {
			break
		}
		select {
		case <-none:
		case <-timer.C:
			waiting = false
		}
	}
	l.mu.Lock()
	out := make([]uint64, 0, len(l.out))
	for id := range l.out {
		out = append(out, id)
	}
	late := l.late
	l.mu.Unlock()
	return append(late, l.holders(out...)...)
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
