package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// DialFunc opens a socket, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// CancelLimit is how long a cancel request that no caller waits for may take.
// The drivers' own limits are 10 and 15 s, and lib/pq's ends with the dial: on a
// server that accepts and stays silent its goroutine would never end.
const CancelLimit = 2 * time.Second

// A Dialer opens the socket of one connection, and later its cancel requests.
// It implements lib/pq's Dialer and DialerContext.
type Dialer struct {
	dial DialFunc

	// OnCancel, if set, is called when the driver is about to send a cancel
	// request, and says how long that may take.
	OnCancel func(*Conn) time.Duration

	// OnSilent, if set, is told an address that did not answer in time: the dial
	// failed, or nothing was read from the socket.
	OnSilent func(address string)

	// TCP is set on each socket of the connection, not on those of cancel requests,
	// which live for two seconds at most.
	TCP *TCP

	// Wrap, if set, returns what the driver is given in place of a connection's socket.
	Wrap func(*Conn) net.Conn

	mu          sync.Mutex
	conns       []*Conn // opened before Establish; the last is in use
	network     string  // where that one leads
	address     string
	stop        error // no socket is opened before Establish any more
	established bool
}

// NewDialer returns a Dialer that opens sockets with dial.
func NewDialer(dial DialFunc) *Dialer { return &Dialer{dial: dial} }

// Dial implements lib/pq's Dialer.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements lib/pq's Dialer.
func (d *Dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext opens a socket for the connection or, once that is established,
// for a cancel request.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	established, stop, conn := d.established, d.stop, d.last()
	d.mu.Unlock()
	if established {
		return d.dialCancel(ctx, conn, network, address)
	}
	if stop != nil {
		return nil, stop
	}

	start := time.Now()
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		if timedOut(ctx, err) {
			d.silent(address, start)
		}
		return nil, err
	}
	if err := d.TCP.apply(raw, network); err != nil {
		_ = raw.Close() // nothing was sent on it
		return nil, err
	}
	c := Wrap(raw, Grace(time.Since(start)))
	c.address, c.dialed = address, start

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		_ = raw.Close() // nothing was sent on it
		return nil, d.stop
	}
	d.heardNothingLocked(d.conns) // the driver has given them up, and asks another host
	d.conns = append(d.conns, c)
	d.network, d.address = network, address
	if d.Wrap != nil {
		return d.Wrap(c), nil
	}
	return c, nil
}

func (d *Dialer) dialCancel(ctx context.Context, conn *Conn, network, address string) (net.Conn, error) {
	conn.asked.Add(1)
	limit := CancelLimit
	if d.OnCancel != nil {
		limit = d.OnCancel(conn)
	}
	return d.dialLimited(ctx, conn, network, address, time.Now().Add(limit))
}

// DialAgain opens a socket for a cancel request of the adapter's own, where the
// connection's leads.
func (d *Dialer) DialAgain(ctx context.Context) (net.Conn, error) {
	d.mu.Lock()
	conn, network, address := d.last(), d.network, d.address
	d.mu.Unlock()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(CancelLimit)
	}
	return d.dialLimited(ctx, conn, network, address, deadline)
}

func (d *Dialer) dialLimited(ctx context.Context, conn *Conn, network, address string, deadline time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &cancelConn{Conn: Wrap(raw, conn.grace), about: conn, limit: time.Now().Add(CancelLimit)}
	c.SetLimit(deadline)
	return c, nil
}

// Establish says that the driver has connected, and returns the connection's
// socket: the last one opened. Drivers leave earlier ones open at times (lib/pq
// does when sslmode=prefer falls back): they are closed here.
func (d *Dialer) Establish() (*Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.last()
	if c == nil {
		return nil, errors.New("the driver connected without the adapter's dialer")
	}
	for _, other := range d.conns[:len(d.conns)-1] {
		_ = other.Close() // it is not read any more
	}
	d.conns = []*Conn{c}
	d.established = true
	c.Established()
	return c, nil
}

// Interrupt ends a connect: what is open is cut, what would be opened fails.
func (d *Dialer) Interrupt(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop = err
	for _, c := range d.conns {
		c.Stop(err)
	}
}

// Discard closes what a connect that failed with err left open.
func (d *Dialer) Discard(ctx context.Context, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if timedOut(ctx, err) {
		d.heardNothingLocked(d.conns)
	}
	for _, c := range d.conns {
		c.Abort()
		_ = c.Close() // why the connect failed is known already
	}
}

// heardNothingLocked tells of the hosts that took a connection and then said nothing
// until the driver's time was over.
func (d *Dialer) heardNothingLocked(conns []*Conn) {
	for _, c := range conns {
		if c.heard.Load() == 0 && c.fault.Load() == nil {
			d.silent(c.address, c.dialed)
		}
	}
}

// leastWait is how long an address must have been waited for to count as silent: a
// driver goes on to the next host when the time of the whole connect is nearly over.
const leastWait = 50 * time.Millisecond

func (d *Dialer) silent(address string, since time.Time) {
	if d.OnSilent != nil && time.Since(since) >= leastWait {
		d.OnSilent(address)
	}
}

func (d *Dialer) last() *Conn {
	if len(d.conns) == 0 {
		return nil
	}
	return d.conns[len(d.conns)-1]
}
