package sqlpool

import "database/sql/driver"

// abilities are what a driver's connection can tell beyond database/sql/driver.
// Each is one optional method of the driver.Conn, with types of the standard
// library only, so that an adapter need not import this package. What a
// connection cannot tell, the pool assumes the safe way.
type abilities struct {
	// alive looks at the socket without a round trip: nil means open with
	// nothing to read, driver.ErrSkip that only a ping can tell, anything else
	// that the connection is dead.
	alive func() error

	// txStatus is the server's transaction status: 'I' idle, 'T' in a
	// transaction, 'E' in a failed one, 0 unknown.
	txStatus func() byte

	// sent counts the bytes written to the server. It separates an operation
	// that certainly had no effect from one that may have had.
	sent func() uint64

	// abort cuts the connection, from any goroutine, so that blocked calls
	// return. Close follows.
	abort func() error

	// lastError is what the socket or the server said last when the connection
	// broke, or nil: more than driver.ErrBadConn says.
	lastError func() error

	// isValid is driver.Validator.
	isValid func() bool

	// reset is driver.SessionResetter, called between loans.
	reset driver.SessionResetter

	// cacheQueries: text queries with arguments gain from the statement cache,
	// because the driver has none of its own.
	cacheQueries bool

	// txEndsStatements: the driver ends a transaction's statements when the
	// context given to BeginTx ends.
	txEndsStatements bool
}

func abilitiesOf(inner driver.Conn) abilities {
	var can abilities
	if c, ok := inner.(interface{ Alive() error }); ok {
		can.alive = c.Alive
	}
	if c, ok := inner.(interface{ TxStatus() byte }); ok {
		can.txStatus = c.TxStatus
	}
	if c, ok := inner.(interface{ Sent() uint64 }); ok {
		can.sent = c.Sent
	}
	if c, ok := inner.(interface{ Abort() error }); ok {
		can.abort = c.Abort
	}
	if c, ok := inner.(interface{ LastError() error }); ok {
		can.lastError = c.LastError
	}
	if c, ok := inner.(driver.Validator); ok {
		can.isValid = c.IsValid
	}
	if c, ok := inner.(interface{ CacheQueries() bool }); ok {
		can.cacheQueries = c.CacheQueries()
	}
	if c, ok := inner.(interface{ TxContextEndsStatements() bool }); ok {
		can.txEndsStatements = c.TxContextEndsStatements()
	}
	can.reset, _ = inner.(driver.SessionResetter)
	return can
}

// unwrap follows Raw to the driver's own connection. A connection may return
// itself, and need not be comparable, so the number of steps is limited.
func unwrap(c driver.Conn) driver.Conn {
	for range 8 {
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
