package libpq

import (
	"errors"
	"net"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
	"github.com/sqlpool/go/drivers/internal/wire"
)

// filtered is the adapter's socket with a filter that can hold a BEGIN back. lib/pq puts
// TLS on top of it, and then the filter sees from the first message that it must not.
type filtered struct {
	*wire.Conn
	filter *lazybegin.Filter
}

// Read implements net.Conn.
func (c *filtered) Read(b []byte) (int, error) { return c.filter.Read(b) }

// Write implements net.Conn.
func (c *filtered) Write(b []byte) (int, error) { return c.filter.Write(b) }

// filter puts a filter on a socket of the connection that is being made.
func (c *conn) filter(raw *wire.Conn) net.Conn {
	c.socket = &filtered{Conn: raw, filter: lazybegin.New(raw, raw)}
	return c.socket
}

// HoldBegin has BEGIN travel with the first statement of its transaction from now on. A
// pool that can deal with a transaction which has not begun asks for it, and gets progress,
// which tells how far the transaction that was begun last has come: begun when the
// server has begun it, sent when a statement of it may have left. It is nil where
// BEGIN is sent at once: with EagerBegin, with TLS, on a lib/pq that does not tell its transaction
// status, and through a socket that cannot be looked at, where a dead connection would
// cost a statement and not a BEGIN.
func (c *conn) HoldBegin() (progress func() (begun, sent bool)) {
	if c.socket == nil || !c.socket.filter.Readable() || !c.status.IsValid() || errors.Is(c.wire.Alive(), errors.ErrUnsupported) {
		return nil
	}
	c.lazy = c.socket.filter
	c.lazy.Clean = func() bool { return c.wire.Alive() == nil && c.wire.Answered(lazybegin.Fresh) }
	c.lazy.Guard = c.wire.Guard
	return c.lazy.Progress
}

// arm has the BEGIN that follows held back, until disarm. While rows are open lib/pq begins
// all the same, and an answer from here would come before the rows that the server owes.
func (c *conn) arm() (disarm func()) {
	if c.lazy == nil || c.rows > 0 || c.copying != nil || c.status.Uint() != 'I' || !c.wire.Answered(lazybegin.Fresh) {
		return func() {}
	}
	return c.lazy.Arm()
}
