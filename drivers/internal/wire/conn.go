package wire

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A Conn is a net.Conn handed to a driver. Read, Write and Close are the
// driver's; everything else is the adapter's.
type Conn struct {
	raw   net.Conn
	grace time.Duration
	peek  peeker

	// OnRead, if set before the connection is used, sees what was read, on the
	// reader's goroutine.
	OnRead func([]byte)

	address string    // where it leads, as it was dialed
	dialed  time.Time // when that began

	sent   atomic.Uint64
	sentAt atomic.Int64 // when the last of it was, as time since dialed

	// heard is what sent was when something was last read: while sent is more,
	// the server owes an answer.
	heard atomic.Uint64

	// heardAt is when the last answer began, as time since dialed; 0: none since Established.
	heardAt atomic.Int64

	// asked counts the cancel requests about this connection that were begun,
	// unsettled those of them that may still arrive.
	asked     atomic.Uint32
	unsettled atomic.Int32

	// halt, once set, ends every Read and Write with its error. It is never
	// unset, except by Hold, which owns the value it set.
	halt atomic.Pointer[stop]
	// late, when set, gives Read and Write a moment to take what has arrived, and
	// then becomes halt. Revive unsets it.
	late atomic.Pointer[stop]
	// guarded says that nothing may be written now, see Guard.
	guarded atomic.Bool
	// fault is the first error that the network reported, deadlines apart.
	fault atomic.Pointer[stop]

	// mu protects the deadlines of raw and the fields below. Nothing that
	// waits for the network happens while it is held.
	mu          sync.Mutex
	limit       time.Time // no deadline is set beyond it; zero: none
	lateUntil   time.Time // the end of that moment, zero before the first late Read or Write
	established bool      // Close leaves raw open for Finish
	aborted     bool      // no call waits for the server any more
	shut        bool      // the driver has closed
	finished    bool      // the adapter has closed
}

type stop struct{ err error }

// Wrap returns a Conn over raw. The grace is what a server has, after a
// deadline, to answer a cancel request: see Grace.
func Wrap(raw net.Conn, grace time.Duration) *Conn {
	c := &Conn{raw: raw, grace: grace, dialed: time.Now()}
	c.peek.init(raw)
	return c
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if err := c.ready("read"); err != nil {
		return 0, err
	}
	n, err := c.raw.Read(b)
	// Asked after the read: during a COPY lib/pq waits on a goroutine of its own for
	// the answer to what is sent meanwhile.
	if sent := c.sent.Load(); n > 0 && c.heard.Load() != sent {
		c.heard.Store(sent)
		c.heardAt.Store(int64(time.Since(c.dialed)))
	}
	if c.OnRead != nil && n > 0 {
		c.OnRead(b[:n])
	}
	if err != nil {
		err = c.failed("read", err)
	}
	return n, err
}

// Write implements net.Conn. It counts what left, also when it fails halfway.
func (c *Conn) Write(b []byte) (int, error) {
	if err := c.ready("write"); err != nil {
		return 0, err
	}
	if c.guarded.Load() {
		c.Stop(errGuarded)
		return 0, c.opError("write", errGuarded)
	}
	// Counted before: during a COPY another goroutine may have read the answer when
	// raw.Write returns.
	c.sent.Add(uint64(len(b)))
	n, err := c.raw.Write(b)
	if left := len(b) - n; left > 0 {
		c.sent.Add(-uint64(left))
	}
	if n > 0 {
		c.sentAt.Store(int64(time.Since(c.dialed)))
	}
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// Sent returns the number of bytes written so far. A byte counts when the
// operating system has taken it: whether the server saw it is unknown, which is
// the safe way for a caller who must not repeat a statement. Any goroutine.
func (c *Conn) Sent() uint64 { return c.sent.Load() }

// Running reports whether something was sent since the last byte was read: the
// server is at work, or the network is. While rows arrive, or wait to be read, it
// is false: then it is the program's turn. Any goroutine.
func (c *Conn) Running() bool { return c.heard.Load() != c.sent.Load() }

// Answered reports whether the server has answered something within a time, and owes
// nothing. What it said while the driver connected does not count. Any goroutine.
func (c *Conn) Answered(within time.Duration) bool {
	at := time.Duration(c.heardAt.Load())
	return at != 0 && time.Since(c.dialed)-at <= within && !c.Running()
}

// Server returns the address of the server's end: a host's address with its port,
// or the path of a Unix socket; empty when the socket does not tell. Any goroutine.
func (c *Conn) Server() string {
	if addr := c.raw.RemoteAddr(); addr != nil {
		return addr.String()
	}
	return ""
}

// LastError returns what the network said when it failed, or why the connection
// was cut here, or nil while neither has happened. Any goroutine.
func (c *Conn) LastError() error {
	if f := c.fault.Load(); f != nil {
		return f.err
	}
	if h := c.halt.Load(); h != nil {
		return h.err
	}
	return nil
}

// Gone reports whether the server's end of the stream has been seen: PostgreSQL
// closes it by exiting. Any goroutine.
func (c *Conn) Gone() bool {
	f := c.fault.Load()
	return f != nil && f.err == io.EOF
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// NetConn returns the socket below.
func (c *Conn) NetConn() net.Conn { return c.raw }

// Alive reports whether the server's end is still open, without a round trip:
// nil when it is and nothing waits to be read, driver.ErrSkip when something does,
// which may be an end, errors.ErrUnsupported when the socket can never be looked at
// (a dialer hides it, or the system is neither linux nor darwin), and otherwise why
// the connection is dead. It neither blocks
// nor allocates, and works below TLS. One goroutine at a time.
func (c *Conn) Alive() error {
	if err := c.LastError(); err != nil {
		return err
	}
	if !c.Settled() {
		return ErrUnsettled
	}
	err := c.peek.look()
	if err == io.EOF {
		c.fault.CompareAndSwap(nil, gone)
	}
	return err
}

var gone = &stop{io.EOF}
