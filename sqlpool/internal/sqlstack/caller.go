// Package sqlstack finds out from the stack what database/sql is doing when it calls a
// driver: which method of its own the call comes from, whether it is its last try. A
// driver is not told that.
package sqlstack

import (
	"runtime"
	"strings"
)

// Type is the type of database/sql whose method made a call.
type Type string

// The types that call a driver. Unknown: there is none in the stack, as when a wrapper
// runs the call on another goroutine.
const (
	Unknown Type = ""
	DB      Type = "DB"
	Conn    Type = "Conn"
	Stmt    Type = "Stmt"
	Tx      Type = "Tx"
)

// Caller finds, by their public names, the innermost exported method of database/sql in the goroutine's stack,
// however many frames of wrappers are below it.
func Caller() (of Type, method string) {
	pcs := make([]uintptr, 32)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return Unknown, ""
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if of, method = parse(frame.Function); of != Unknown {
				return of, method
			}
		}
	}
}

// parse takes a function's name apart, such as "database/sql.(*DB).ExecContext.func1".
func parse(function string) (Type, string) {
	rest, ok := strings.CutPrefix(function, "database/sql.(*")
	if !ok {
		return Unknown, ""
	}
	receiver, method, _ := strings.Cut(rest, ").")
	method, _, _ = strings.Cut(method, ".")
	if method == "" || method[0] < 'A' || method[0] > 'Z' {
		return Unknown, ""
	}
	switch of := Type(receiver); of {
	case DB, Conn, Stmt, Tx:
		return of, method
	}
	return Unknown, ""
}
