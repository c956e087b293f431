package route

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"sync"
)

// onLastTry reports whether the calling goroutine is in the last of the three tries that database/sql makes of an operation
// that returns driver.ErrBadConn: from it, that error reaches the program. When in doubt it is.
//
// Nothing tells that try from the others but the line of DB.retry that makes it.
func onLastTry() bool {
	line := retryLine()
	return line == 0 || line != earlyTryLine()
}

// earlyTryLine is the line in DB.retry from which the tries before the last one are made, found by having database/sql
// try what never succeeds. It is 0 if the three tries do not look as expected.
var earlyTryLine = sync.OnceValue(func() int {
	var tries badConnector
	db := sql.OpenDB(&tries)
	defer func() { _ = db.Close() }() // it has no connection
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
	c.lines = append(c.lines, retryLine())
	return nil, driver.ErrBadConn
}

// Driver implements driver.Connector.
func (c *badConnector) Driver() driver.Driver { return nil }

// retryLine is the line at which the goroutine executes DB.retry, or 0.
func retryLine() int {
	pcs := make([]uintptr, 32)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return 0
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function == "database/sql.(*DB).retry" {
				return frame.Line
			}
		}
	}
}
