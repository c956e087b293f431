package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// ErrLingering is Finish's error when the server had not closed its side in time.
var ErrLingering = errors.New("the server had not closed its side of the connection in time")

// Established says that the driver has connected. From here on Close leaves the
// socket to Finish, which the caller of Established owes.
func (c *Conn) Established() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.established = true
	c.heardAt.Store(0)
}

// Close implements net.Conn: for the driver the connection is over. It does not
// wait: drivers close in the middle of a caller's call. Before Established and
// after Abort it closes the socket, otherwise Finish does.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return net.ErrClosed
	}
	c.shut = true
	if c.finished {
		return nil
	}
	c.stopLocked(net.ErrClosed)
	if c.established && !c.aborted {
		return nil
	}
	return c.raw.Close()
}

// Finish waits until the server has closed its side, but not beyond the
// deadline, and closes the socket.
//
// PostgreSQL's backend closes its socket by exiting, and that is the last thing
// it does: its row in pg_stat_activity and its place under max_connections are
// free by then. Without the wait, a client that closes one connection and opens
// the next is seen twice by the server.
func (c *Conn) Finish(deadline time.Time) error {
	c.mu.Lock()
	if c.finished {
		c.mu.Unlock()
		return nil
	}
	c.finished = true
	c.halt.CompareAndSwap(nil, &stop{net.ErrClosed})
	wait := c.established && !c.aborted
	if wait {
		c.raw.SetDeadline(deadline)
	}
	c.mu.Unlock()

	var err error
	if wait {
		err = c.drain()
	}
	if cerr := c.raw.Close(); err == nil && !errors.Is(cerr, net.ErrClosed) {
		err = cerr
	}
	return err
}

// drain reads to the end of what the server sends.
func (c *Conn) drain() error {
	c.hangUp() // the driver may not have been able to say goodbye
	_, err := io.Copy(io.Discard, readOnly{c.raw})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.aborted {
			return nil
		}
		return ErrLingering
	}
	return nil // the end, or a reset: gone either way
}

// readOnly hides the socket's WriteTo, which would allocate where io.Discard
// has buffers to share.
type readOnly struct{ io.Reader }

// Aborted reports whether Abort was called.
func (c *Conn) Aborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aborted
}
