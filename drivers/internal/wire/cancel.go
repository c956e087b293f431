package wire

import (
	"errors"
	"io"
	"sync/atomic"
)

// ErrUnsettled is Alive's error for a connection that a cancel request may still
// reach.
var ErrUnsettled = errors.New("a cancel request for an earlier statement may still arrive")

// Settled reports whether every cancel request sent about this connection has
// been dealt with. One that has not may still arrive, and since it names the
// backend and not the statement, it would cancel whatever runs there then: such
// a connection must not be used again, by anyone. Any goroutine.
func (c *Conn) Settled() bool { return c.unsettled.Load() == 0 }

// Asked returns the number of cancel requests about this connection that the
// driver has begun to send. It is counted before the request's socket is dialed,
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
type cancelConn struct {
	*Conn
	about *Conn
	sent  atomic.Bool
	over  atomic.Bool
}

// Write implements net.Conn. The first byte counts, before it leaves: under TLS
// nobody here knows which one makes the request complete.
func (c *cancelConn) Write(b []byte) (int, error) {
	if !c.sent.Swap(true) {
		c.about.unsettled.Add(1)
	}
	return c.Conn.Write(b)
}

// Read implements net.Conn.
func (c *cancelConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF && c.sent.Load() && !c.over.Swap(true) {
		c.about.unsettled.Add(-1)
	}
	return n, err
}
