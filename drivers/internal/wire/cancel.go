package wire

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// ErrUnsettled is Alive's error for a connection that a cancel request may still
// reach.
var ErrUnsettled = errors.New("a cancel request for an earlier statement may still arrive")

// Settled reports whether every cancel request sent about this connection has
// been dealt with. One that has not may still arrive, and since it names the
// backend and not the statement, it would cancel whatever runs there then: such
// a connection must not be used again. Any goroutine.
func (c *Conn) Settled() bool { return c.unsettled.Load() == 0 }

// Asked returns the number of cancel requests about this connection that the
// driver or the adapter has begun to send. It is counted before the request's socket is dialed,
// so a call during which the number has not changed succeeded without one. Any
// goroutine.
func (c *Conn) Asked() uint32 { return c.asked.Load() }

// A cancelConn carries one cancel request about another connection.
//
// The server closes it when it has sent the backend its signal. What the backend
// reads after that it reads with the signal taken: if the statement was over by
// then, PostgreSQL drops the cancel before it looks at the next one
// (PostgresMain checks for interrupts once more while DoingCommandRead holds).
// So the end of the stream settles the request. Nothing else does: not our own
// close, which recalls nothing, and not a reset, which says only that a host or
// a proxy on the way has forgotten the connection.
//
// A driver that reads through TLS stops at the server's close_notify, which comes
// before the end of the stream, and one whose time is over closes earlier still. So
// Close leaves the socket to a goroutine that reads on until CancelLimit is over. It
// does not end the stream before: a pooler that still passes the request on has
// trouble with a client that hangs up (pgbouncer issues 801 and 822). The driver answers with an alert of its own, which is
// not sent: a server that closes before it has read it resets the stream.
type cancelConn struct {
	*Conn
	about  *Conn
	sent   atomic.Bool
	over   atomic.Bool
	closed atomic.Bool
	limit  time.Time // of the socket, whatever the driver does
}

// Write implements net.Conn. The first byte counts, before it leaves: under TLS
// it is not known here which one makes the request complete.
func (c *cancelConn) Write(b []byte) (int, error) {
	if isAlert(b) {
		return len(b), nil
	}
	if !c.sent.Swap(true) {
		c.about.unsettled.Add(1)
	}
	return c.Conn.Write(b)
}

// isAlert reports whether b, which crypto/tls writes, is an alert record: of type 21
// or, encrypted by TLS 1.3, two bytes of an alert with their type and a tag of 16
// bytes in a record of type 23 (RFC 8446, sections 5.1 and 5.2). A cancel request is
// longer, and one without TLS begins with a zero.
func isAlert(b []byte) bool {
	const header, alert, applicationData, encrypted = 5, 21, 23, 2 + 1 + 16
	return len(b) > header && b[1] == 3 && (b[0] == alert || b[0] == applicationData && len(b) == header+encrypted)
}

// Read implements net.Conn.
func (c *cancelConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF {
		c.settle()
	}
	return n, err
}

func (c *cancelConn) settle() {
	if c.sent.Load() && !c.over.Swap(true) {
		c.about.unsettled.Add(-1)
	}
}

// Close implements net.Conn. It does not wait.
func (c *cancelConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if !c.sent.Load() || c.over.Load() || c.fault.Load() != nil { // behind a reset an end would be read
		return c.Conn.Close()
	}
	c.Conn.Established() // Close ends the driver's reads, and leaves the socket open
	_ = c.Conn.Close()   // it is read on
	go c.awaitEnd()
	return nil
}

func (c *cancelConn) awaitEnd() {
	defer c.raw.Close()
	_ = c.raw.SetReadDeadline(c.limit)
	if _, err := io.Copy(io.Discard, readOnly{c.raw}); err == nil {
		c.settle()
	}
}
