package libpq

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"time"
)

// closeLimit is how long Close waits for the server's side to end.
const closeLimit = 500 * time.Millisecond

// Alive says without a round trip whether the server is still there: nil when its
// end of the socket is open and nothing waits to be read, driver.ErrSkip when
// something does and only a ping can tell, errors.ErrUnsupported when this socket can
// never be looked at, and otherwise why the connection is dead.
func (c *conn) Alive() error {
	if c.broken || !c.inner.IsValid() {
		if err := c.wire.LastError(); err != nil {
			return err
		}
		return driver.ErrBadConn // lib/pq has seen the end, perhaps before the socket does
	}
	return c.wire.Alive()
}

// Sent returns the number of bytes sent so far. Any goroutine.
func (c *conn) Sent() uint64 { return c.wire.Sent() }

// Running reports whether the server owes an answer. Any goroutine.
func (c *conn) Running() bool { return c.wire.Running() }

// Backend returns the number of the server's process, the address it was reached
// at, and whether it was a primary or a standby (empty before PostgreSQL 14, which
// does not say). The number and the role are read from lib/pq's fields, as TxStatus
// is: a lib/pq without them has 0 and nothing here. To be asked while nothing else
// uses the connection.
func (c *conn) Backend() (pid uint32, server, role string) {
	server = c.wire.Server()
	ptr := reflect.ValueOf(c.inner)
	if ptr.Kind() != reflect.Pointer || ptr.Elem().Kind() != reflect.Struct {
		return 0, server, ""
	}
	if field := ptr.Elem().FieldByName("pid"); field.IsValid() && field.Kind() == reflect.Int {
		pid = uint32(field.Int())
	}
	status := ptr.Elem().FieldByName("parameterStatus")
	if !status.IsValid() || status.Kind() != reflect.Struct {
		return pid, server, ""
	}
	standby := status.FieldByName("inHotStandby")
	if !standby.IsValid() || standby.Type() != reflect.TypeFor[sql.NullBool]() || !standby.FieldByName("Valid").Bool() {
		return pid, server, ""
	}
	if standby.FieldByName("Bool").Bool() {
		return pid, server, "standby"
	}
	return pid, server, "primary"
}

// Adapter returns the connection itself, which says that its own IsValid and
// ResetSession do not panic.
func (c *conn) Adapter() driver.Conn { return c }

// LastError returns what broke the connection, or nil: lib/pq says ErrBadConn for
// most reasons. It is a *pq.Error if the server said goodbye, not under TLS.
func (c *conn) LastError() error {
	err := c.wire.LastError()
	if words := c.words.Load(); words != nil && (err != nil || !c.inner.IsValid()) {
		return words
	}
	return err
}

// Abort cuts the connection: calls that wait for the server return at once. Close
// is still due. Any goroutine.
func (c *conn) Abort() error {
	c.wire.Abort()
	return nil
}

// Raw returns lib/pq's own connection.
func (c *conn) Raw() driver.Conn { return c.inner }

// CacheQueries says whether a query with arguments, if it came now, could be
// executed as a statement that the pool keeps prepared: not while rows are open or a
// COPY is, when lib/pq refuses the query but would not refuse the statement.
func (c *conn) CacheQueries() bool { return !c.binary && c.rows == 0 && c.copying == nil }

// EndsStatements says that Close ends what is prepared on the connection.
func (c *conn) EndsStatements() bool { return true }

// TxContextEndsStatements says that the statements of a transaction end with the
// context given to BeginTx.
func (c *conn) TxContextEndsStatements() bool { return true }

// Close implements driver.Conn. It returns when the server's side is gone, or
// with an error after 500 ms. More calls do nothing.
func (c *conn) Close() error {
	deadline := time.Now().Add(closeLimit)
	c.guard.rest()
	c.wire.SetLimit(deadline)
	if !c.closed && (c.wire.LastError() != nil || c.inside) {
		// A call was cut off, and its statement may be running on: lib/pq's own cancel
		// request has had its grace.
		defer c.wire.Insist(0, deadline, c.again.cancel)()
	}
	c.closed = true
	_ = c.inner.Close() // its error is that of a goodbye; what counts is whether the server went
	return c.wire.Finish(deadline)
}
