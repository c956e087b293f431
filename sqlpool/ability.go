package sqlpool

import (
	"context"
	"database/sql/driver"
	"reflect"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
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

	// txProgress tells how far the transaction that was begun last has come: begun
	// when the server has begun it, sent when a statement of it may have left. It is nil
	// for a driver whose BEGIN is sent and answered at once. A driver that can have BEGIN
	// travel with the first statement does so when it is asked with HoldBegin: not under a
	// pool that would not know that a transaction has not begun.
	txProgress func() (begun, sent bool)

	// abort cuts the connection, from any goroutine, so that blocked calls
	// return. Close follows. cuts says that the adapter is trusted with it:
	// it returns at once, and whatever is blocked after it.
	abort func() error
	cuts  bool

	// lastError is what the socket or the server said last when the connection
	// broke, or nil: more than driver.ErrBadConn says. Any goroutine.
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
	if c, ok := driverx.Find[interface{ Alive() error }](inner); ok {
		can.alive, can.blind = c.Alive, false // until it says otherwise
	}
	if c, ok := driverx.Find[interface{ TxStatus() byte }](inner); ok {
		can.txStatus = c.TxStatus
	}
	if c, ok := driverx.Find[interface{ Sent() uint64 }](inner); ok {
		can.sent = c.Sent
	}
	if c, ok := driverx.Find[interface {
		HoldBegin() func() (begun, sent bool)
	}](inner); ok {
		can.txProgress = c.HoldBegin()
	}
	if c, ok := driverx.Find[interface{ Abort() error }](inner); ok {
		can.abort, can.cuts = c.Abort, trusted(c)
	}
	if c, ok := driverx.Find[interface{ LastError() error }](inner); ok {
		can.lastError = c.LastError
	}
	if c, ok := driverx.Find[interface{ Running() bool }](inner); ok {
		can.running = c.Running
	}
	if c, ok := driverx.Find[interface{ StatementStale(error) bool }](inner); ok {
		can.stale = c.StatementStale
	}
	if c, ok := driverx.Find[interface{ CacheQueries() bool }](inner); ok {
		can.cacheQueries = c.CacheQueries
	}
	if c, ok := driverx.Find[interface{ EndsStatements() bool }](inner); ok {
		can.endsStatements = c.EndsStatements()
	}
	if c, ok := driverx.Find[interface{ TxContextEndsStatements() bool }](inner); ok {
		can.txEndsStatements = c.TxContextEndsStatements()
	}
	can.findStandard(inner)
	return can
}

// findStandard finds the abilities that have an interface in database/sql/driver.
func (can *abilities) findStandard(inner driver.Conn) {
	can.exec, _ = inner.(driver.ExecerContext)
	can.query, _ = inner.(driver.QueryerContext)
	if c, ok := driverx.Find[driver.Validator](inner); ok {
		can.isValid = c.IsValid
		if !trusted(c) {
			can.panicked = new(error)
			can.isValid = func() bool { return guardedIsValid(c, can.panicked) }
		}
	}
	if c, ok := driverx.Find[driver.SessionResetter](inner); ok {
		can.reset = c.ResetSession
		if !trusted(c) {
			can.reset = func(ctx context.Context) error { return guardedReset(ctx, c) }
		}
	}
}

// trusted reports whether c is an adapter whose IsValid and ResetSession do not
// panic, and whose Abort cuts. It says so with a method Adapter that
// returns the connection itself. One that has embedded an adapter has the method
// too, and returns another.
func trusted(c any) bool {
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
