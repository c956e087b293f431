package libpq

import (
	"context"
	"errors"
	"net"
	"time"

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

// filteringDialer opens the sockets of a connection with a filter each, and those of
// its cancel requests without one.
type filteringDialer struct {
	*wire.Dialer
	last *filtered
}

// Dial implements pq.Dialer.
func (d *filteringDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (d *filteringDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d *filteringDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	raw, ok := c.(*wire.Conn)
	if !ok {
		return c, nil // a cancel request's
	}
	d.last = &filtered{Conn: raw, filter: lazybegin.New(raw, raw)}
	return d.last, nil
}

// holdBegin has BEGINs held back, where that can be. A lib/pq that does not tell its transaction
// status begins at once. Through a socket that cannot be looked at a dead connection
// would cost a statement where BEGIN finds it: there too.
func (c *conn) holdBegin(d *filteringDialer) {
	if d.last == nil || d.last.Conn != c.wire || !c.status.IsValid() || errors.Is(c.wire.Alive(), errors.ErrUnsupported) {
		return
	}
	c.lazy = d.last.filter
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
