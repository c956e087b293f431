package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"sync"
)

// Package sql tries an operation three times when it meets driver.ErrBadConn.
// Twice it may take a cached connection; the third time it wants a new one, but
// under SetMaxOpenConns it may have to take what another caller hands over. A
// ResetSession that returns ErrBadConn then has returned it to the user, and
// nothing that package sql passes to a driver tells that try from the others:
// the context is the caller's, the goroutine is the caller's, and how long ago
// the session was handed back depends on the scheduler. The one difference is
// which of its two lines DB.retry calls from. So a session that is about to
// answer ErrBadConn, after a wait of milliseconds, looks.

// retryFunc is where the tries are made.
const retryFunc = "database/sql.(*DB).retry"

// onLastTry reports whether the calling goroutine is in package sql's last try
// of an operation. When in doubt it is.
func onLastTry() bool {
	line := lineIn(retryFunc)
	return line == 0 || line != earlyTryLine()
}

// earlyTryLine is the line in DB.retry from which the tries before the last one
// are made, found by having package sql try what never succeeds. It is 0 if the
// three tries do not look as expected.
var earlyTryLine = sync.OnceValue(func() int {
	var tries badConnector
	db := sql.OpenDB(&tries)
	defer db.Close()
	_ = db.PingContext(context.Background())
	if l := tries.lines; len(l) == 3 && l[0] == l[1] && l[1] != l[2] {
		return l[0]
	}
	return 0
})

// badConnector notes the lines from which it was tried.
type badConnector struct{ lines []int }

// Connect implements driver.Connector.
func (c *badConnector) Connect(context.Context) (driver.Conn, error) {
	c.lines = append(c.lines, lineIn(retryFunc))
	return nil, driver.ErrBadConn
}

// Driver implements driver.Connector.
func (c *badConnector) Driver() driver.Driver { return nil }

// lineIn returns the line at which the named function is being executed by this
// goroutine, or 0.
func lineIn(function string) int {
	var pcs [16]uintptr // DB.retry is some five calls above a session's methods
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if frame.Function == function {
			return frame.Line
		}
		if !more {
			return 0
		}
	}
}
