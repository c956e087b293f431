package pgxv5

import (
	"database/sql/driver"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// closeLimit is how long Close waits for the server's side to end.
const closeLimit = 500 * time.Millisecond

// Alive says without a round trip whether the server is still there: nil when its
// end of the socket is open and nothing waits to be read, driver.ErrSkip when
// something does and only a ping can tell, errors.ErrUnsupported when this socket can
// never be looked at, and otherwise why the connection is dead.
func (c *conn) Alive() error {
	if c.pg.IsClosed() {
		if err := c.wire.LastError(); err != nil {
			return err
		}
		return net.ErrClosed
	}
	if c.pg.Frontend().ReadBufferLen() > 0 {
		return driver.ErrSkip // read from the socket, not yet by pgx
	}
	return c.wire.Alive()
}

// TxStatus returns the server's transaction status as of its last answer: 'I'
// outside a transaction, 'T' in one, 'E' in a failed one, 0 when the connection
// is closed. It sends nothing.
func (c *conn) TxStatus() byte {
	if c.pg.IsClosed() {
		return 0
	}
	return c.pg.TxStatus()
}

// Sent returns the number of bytes sent so far. Any goroutine.
func (c *conn) Sent() uint64 { return c.wire.Sent() }

// Running reports whether the server owes an answer. Any goroutine.
func (c *conn) Running() bool { return c.wire.Running() }

// Backend returns the number of the server's process, the address it was reached
// at, and whether it was a primary or a standby (empty before PostgreSQL 14, which
// does not say). To be asked while nothing else uses the connection.
func (c *conn) Backend() (pid uint32, server, role string) {
	switch c.pg.ParameterStatus("in_hot_standby") {
	case "on":
		role = "standby"
	case "off":
		role = "primary"
	}
	return c.pg.PID(), c.wire.Server(), role
}

// Adapter returns the connection itself, which says that its own IsValid and
// ResetSession do not panic.
func (c *conn) Adapter() driver.Conn { return c }

// LastError returns what broke the connection, or nil.
func (c *conn) LastError() error { return c.wire.LastError() }

// Abort cuts the connection: calls that wait for the server return at once. Close
// is still due. Any goroutine.
func (c *conn) Abort() error {
	c.wire.Abort()
	return nil
}

// Raw returns the connection of pgx's package stdlib; [Raw] leads from an
// *sql.Conn to *pgx.Conn.
func (c *conn) Raw() driver.Conn {
	c.sendBegin()
	return c.stdConn
}

// Conn returns pgx's connection, as stdlib's does.
func (c *conn) Conn() *pgx.Conn {
	c.sendBegin()
	return c.stdConn.Conn()
}

// CacheQueries says that pgx keeps prepared statements itself.
func (c *conn) CacheQueries() bool { return false }

// EndsStatements says that Close ends what is prepared on the connection.
func (c *conn) EndsStatements() bool { return true }

// TxContextEndsStatements says that the context given to BeginTx does not end the
// transaction's statements.
func (c *conn) TxContextEndsStatements() bool { return false }

// Close implements driver.Conn. It returns when the server's side is gone, or
// with an error after 500 ms. More calls do nothing.
//
// After a cancelled context pgx has closed already, in the background: it sends a
// cancel request and waits for the server with limits of its own, up to 15 s.
// That request can come too early, so it is repeated.
func (c *conn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	deadline := time.Now().Add(closeLimit)
	c.wire.SetLimit(deadline)
	if c.wire.Gone() {
		// There is no process to be waited for. pgx cancels nevertheless, which takes the
		// server a process and the pool's slot as long.
		_ = c.stdConn.Close()
		return c.wire.Finish(deadline)
	}
	if c.pg.IsClosed() || c.pg.IsBusy() {
		// A statement may be running on. pgx has only begun to send its own cancel
		// request, if it does, and that ends a statement within half a grace as a rule.
		defer c.wire.Insist(c.wire.Grace()/2, deadline, c.pg.CancelRequest)()
	}
	_ = c.stdConn.Close() // its error is that of a goodbye; what counts is whether the server went
	if !c.wire.Aborted() {
		c.awaitCleanup(deadline)
	}
	return c.wire.Finish(deadline)
}

// awaitCleanup waits for pgx's own close, which may be reading still.
func (c *conn) awaitCleanup(deadline time.Time) {
	limit := time.NewTimer(time.Until(deadline))
	defer limit.Stop()
	select {
	case <-c.pg.CleanupDone():
	case <-limit.C:
	}
}
