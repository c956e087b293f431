package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"sync"
)

// A session with live statements must not wait long inside ResetSession: database/sql
// holds a lock there that a holder of the last connection may need (see
// ResetSession). It answers driver.ErrBadConn then, and database/sql tries again; but
// in its last of three tries it would return that error to the user, and nothing
// tells that try from the others except the line of DB.retry that makes it.

// retryFunc is where the tries are made.
const retryFunc = "database/sql.(*DB).retry"

// onLastTry reports whether the calling goroutine is in database/sql's last try
// of an operation. When in doubt it is.
func onLastTry() bool {
	line := lineIn(retryFunc)
	return line == 0 || line != earlyTryLine()
}

// earlyTryLine is the line in DB.retry from which the tries before the last one
// are made, found by having database/sql try what never succeeds. It is 0 if the
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
	pcs := make([]uintptr, 32)
	n := runtime.Callers(2, pcs)
	for n == len(pcs) { // wrappers above the session may have any number of frames
		pcs = make([]uintptr, 2*n)
		n = runtime.Callers(2, pcs)
	}
	frames := runtime.CallersFrames(pcs[:n])
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
