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

// holdBegin has BEGINs held back, where that can be. A lib/pq that does not tell its transaction
// status begins at once. Through a socket that cannot be looked at a dead connection
// would cost a statement where BEGIN finds it: there too.
func (c *conn) holdBegin() {
	if c.socket == nil || c.socket.Conn != c.wire || !c.status.IsValid() || errors.Is(c.wire.Alive(), errors.ErrUnsupported) {
		return
	}
	c.lazy = c.socket.filter
	c.lazy.Clean = func() bool { return c.wire.Alive() == nil }
	c.lazy.Guard = c.wire.Guard
}

// arm has the BEGIN that follows held back, until disarm. While rows are open lib/pq begins
// all the same, and an answer from here would come before the rows that the server owes.
func (c *conn) arm() (disarm func()) {
	if c.lazy == nil || c.rows > 0 || c.copying != nil || c.status.Uint() != 'I' {
		return func() {}
	}
	return c.lazy.Arm()
}

// TxProgress tells how far the transaction that was begun last has come: begun when
// the server has begun it, sent when a statement of it may have left.
func (c *conn) TxProgress() (begun, sent bool) {
	if c.lazy == nil {
		return true, true
	}
	return c.lazy.Progress()
}
