package sqlstack

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"sync"
)

// retryFunc is where the tries are made.
const retryFunc = "database/sql.(*DB).retry"

// OnLastTry reports whether the calling goroutine is in database/sql's last try
// of an operation, and true where that cannot be told. In the last of its three tries
// database/sql returns driver.ErrBadConn to its caller, and nothing tells that try from
// the others except the line of DB.retry that makes it.
func OnLastTry() bool {
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

// Discarding reports whether database/sql discards the session on which it calls, by
// the name of its function for that. If a version of Go has another name, it is false.
func Discarding() bool { return lineIn("database/sql.(*driverConn).finalClose") > 0 }

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
