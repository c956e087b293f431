package sqlpool

import (
	"context"
	"database/sql/driver"
	"reflect"
)

// abilities are what a driver's connection can tell beyond database/sql/driver.
// Each is one optional method of the driver.Conn, with types of the standard
// library only, so that an adapter need not import this package. What a
// connection cannot tell, the pool assumes the safe way. Sent and TxStatus must
// not panic: they are called too often to be guarded each time.
type abilities struct {
	// alive looks at the socket without a round trip: nil means open with
	// nothing to read, driver.ErrSkip that something is there which only a ping can
	// make out, errors.ErrUnsupported that this socket can never be looked at, and
	// anything else that the connection is dead. blind says that there is no such
	// look: PingAfter alone decides when the server is asked.
	alive func() error
	blind bool

	// txStatus is the server's transaction status: 'I' idle, 'T' in a
	// transaction, 'E' in a failed one, 0 unknown.
	txStatus func() byte

	// sent counts the bytes written to the server. It separates an operation
	// that certainly had no effect from one that may have had.
	sent func() uint64

	// abort cuts the connection, from any goroutine, so that blocked calls
	// return. Close follows. cuts says that it is an adapter's that vouches for
	// itself: it returns at once, and whatever is blocked after it.
	abort func() error
	cuts  bool

	// lastError is what the socket or the server said last when the connection
	// broke, or nil: more than driver.ErrBadConn says.
	lastError func() error

	// running reports whether the server owes an answer. Any goroutine.
	running func() bool

	// stale reports that an error came before a prepared statement began to
	// execute: the server has forgotten it, or its result has changed its shape.
	// The SQLSTATE alone does not tell: a procedure may commit and then fail
	// with the same one.
	stale func(error) bool

	// isValid is driver.Validator's. panicked holds its panic, if it was guarded.
	isValid  func() bool
	panicked *error

	// reset is driver.SessionResetter's ResetSession, called between loans.
	reset func(context.Context) error

	// exec is the connection itself, if it executes a text with a context: asking
	// for the interface again costs each statement some nanoseconds.
	exec driver.ExecerContext

	// query is exec for rows.
	query driver.QueryerContext

	// cacheQueries: a query with arguments that came now would gain from being
	// kept prepared, because the driver does not do that itself.
	cacheQueries func() bool

	// endsStatements: what is prepared on the connection ends with it, so closing
	// it statement by statement before would be round trips for nothing.
	endsStatements bool

	// txEndsStatements: the driver ends a transaction's statements when the
	// context given to BeginTx ends.
	txEndsStatements bool
}

// abilitiesOf finds the abilities of a connection, also below a wrapper that
// has Raw: a tracer that forwards only the standard interfaces must not cost
// the proof that no transaction is open.
func abilitiesOf(inner driver.Conn) abilities {
	can := abilities{blind: true}
	if c, ok := find[interface{ Alive() error }](inner); ok {
		can.alive, can.blind = c.Alive, false // until it says otherwise
	}
	if c, ok := find[interface{ TxStatus() byte }](inner); ok {
		can.txStatus = c.TxStatus
	}
	if c, ok := find[interface{ Sent() uint64 }](inner); ok {
		can.sent = c.Sent
	}
	if c, ok := find[interface{ Abort() error }](inner); ok {
		can.abort, can.cuts = c.Abort, vouched(c)
	}
	if c, ok := find[interface{ LastError() error }](inner); ok {
		can.lastError = c.LastError
	}
	if c, ok := find[interface{ Running() bool }](inner); ok {
		can.running = c.Running
	}
	if c, ok := find[interface{ StatementStale(error) bool }](inner); ok {
		can.stale = c.StatementStale
	}
	if c, ok := find[interface{ CacheQueries() bool }](inner); ok {
		can.cacheQueries = c.CacheQueries
	}
	if c, ok := find[interface{ EndsStatements() bool }](inner); ok {
		can.endsStatements = c.EndsStatements()
	}
	if c, ok := find[interface{ TxContextEndsStatements() bool }](inner); ok {
		can.txEndsStatements = c.TxContextEndsStatements()
	}
	can.exec, _ = inner.(driver.ExecerContext)
	can.query, _ = inner.(driver.QueryerContext)
	if c, ok := find[driver.Validator](inner); ok {
		can.isValid = c.IsValid
		if !vouched(c) {
			can.panicked = new(error)
			can.isValid = func() bool { return guardedIsValid(c, can.panicked) }
		}
	}
	if c, ok := find[driver.SessionResetter](inner); ok {
		can.reset = c.ResetSession
		if !vouched(c) {
			can.reset = func(ctx context.Context) error { return guardedReset(ctx, c) }
		}
	}
	return can
}

// vouched reports whether c is an adapter that vouches for its IsValid and
// ResetSession not to panic, and its Abort to cut, with a method Adapter that
// returns the connection itself. One that has embedded an adapter has the method
// too, and returns another.
func vouched(c any) bool {
	a, ok := c.(interface{ Adapter() driver.Conn })
	return ok && reflect.TypeOf(c).Kind() == reflect.Pointer && any(a.Adapter()) == c
}

func guardedIsValid(c driver.Validator, panicked *error) (valid bool) {
	defer catch("IsValid", panicked)
	return c.IsValid()
}

func guardedReset(ctx context.Context, c driver.SessionResetter) (err error) {
	defer catch("ResetSession", &err)
	return c.ResetSession(ctx)
}

// find returns the outermost connection that is a T, following Raw.
func find[T any](c driver.Conn) (found T, ok bool) {
	for range maxWrappers {
		if found, ok = c.(T); ok {
			return found, true
		}
		w, wraps := c.(interface{ Raw() driver.Conn })
		if !wraps {
			break
		}
		if c = w.Raw(); c == nil {
			break
		}
	}
	return found, false
}

// maxWrappers bounds how far Raw is followed: a connection may return itself,
// and need not be comparable.
const maxWrappers = 8

// unwrap follows Raw to the driver's own connection.
func unwrap(c driver.Conn) driver.Conn {
	for range maxWrappers {
		w, ok := c.(interface{ Raw() driver.Conn })
		if !ok {
			break
		}
		inner := w.Raw()
		if inner == nil {
			break
		}
		c = inner
	}
	return c
}
