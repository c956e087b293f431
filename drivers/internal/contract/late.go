package contract

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A LateNetwork is far away, and from Hold on it delivers no cancel request until
// Deliver: as a network that loses a packet and sends it again. It has the
// dialing methods that both drivers' options take.
type LateNetwork struct {
	Held      chan struct{} // closed when a cancel request is held back
	Delivered chan struct{} // closed when the server has dealt with it

	holding atomic.Bool
	first   sync.Once
	deliver chan struct{}
}

// distance is how long a dial takes here: enough for the longest grace.
const distance = 65 * time.Millisecond

// NewLateNetwork returns a network that delivers everything at once until Hold.
func NewLateNetwork() *LateNetwork {
	return &LateNetwork{Held: make(chan struct{}), Delivered: make(chan struct{}), deliver: make(chan struct{})}
}

// Hold begins to hold cancel requests back.
func (n *LateNetwork) Hold() { n.holding.Store(true) }

// Deliver lets the one that is held through. It is called once.
func (n *LateNetwork) Deliver() { close(n.deliver) }

// DialContext opens a socket, as net.Dialer's method does.
func (n *LateNetwork) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	time.Sleep(distance)
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil && n.holding.Load() {
		return &lateConn{Conn: c, network: n}, nil
	}
	return c, err
}

type lateConn struct {
	net.Conn
	network *LateNetwork
	held    atomic.Bool
}

// Write holds the first cancel request back. To the writer it has left.
func (c *lateConn) Write(b []byte) (int, error) {
	const cancelRequest = 1234<<16 | 5678
	if len(b) == 16 && binary.BigEndian.Uint32(b[4:]) == cancelRequest {
		c.network.first.Do(func() {
			c.held.Store(true)
			go c.late(append([]byte(nil), b...))
		})
		if c.held.Load() {
			return len(b), nil
		}
	}
	return c.Conn.Write(b)
}

func (c *lateConn) late(request []byte) {
	close(c.network.Held)
	<-c.network.deliver
	c.Conn.SetDeadline(time.Time{})
	c.Conn.Write(request)
	io.Copy(io.Discard, c.Conn)
	c.Conn.Close()
	close(c.network.Delivered)
}

// Close ends what the driver sees. A request that is on its way stays there.
func (c *lateConn) Close() error {
	if c.held.Load() {
		return c.Conn.SetDeadline(time.Unix(1, 0))
	}
	return c.Conn.Close()
}

// A Lock takes an advisory lock in a statement of its own.
type Lock func(ctx context.Context, lock int) error

// LateCancel tests that a cancel request which arrives late cancels nothing but
// what it was meant for. run uses a *sql.DB that dials by the network, has one
// connection, and by its driver's rules keeps it after a cancelled statement. The
// blocker is another connection to the same database, in which no other connection uses
// advisory locks.
func LateCancel(t *testing.T, n *LateNetwork, blocker Conn, run Lock) {
	t.Helper()
	CancelTooLate(t, n, blocker, run)
	exec(t, blocker, "SELECT pg_advisory_lock(2)")
	next := start(t, context.Background(), blocker, run, 2) // the next borrower's
	n.Deliver()
	<-n.Delivered
	exec(t, blocker, "SELECT pg_advisory_unlock(2)")
	if err := <-next; err != nil {
		t.Errorf("the next statement, which was not cancelled: %v", err)
	}
}

// CancelTooLate cancels a statement and lets it end by itself while the cancel
// request is held back.
func CancelTooLate(t *testing.T, n *LateNetwork, blocker Conn, run Lock) {
	t.Helper()
	exec(t, blocker, "SELECT pg_advisory_lock(1)")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := start(t, ctx, blocker, run, 1)
	n.Hold()
	cancel()
	<-n.Held
	exec(t, blocker, "SELECT pg_advisory_unlock(1)")
	t.Logf("the cancelled statement: %v", <-result)
}

func start(t *testing.T, ctx context.Context, blocker Conn, run Lock, lock int) <-chan error {
	t.Helper()
	const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted" +
		" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	result := make(chan error, 1)
	go func() { result <- run(ctx, lock) }()
	eventually(t, "the statement to wait for its lock", func() bool {
		rows, err := blocker.QueryContext(context.Background(), waiting, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		return rows.Next(make([]driver.Value, 1)) == nil
	})
	return result
}
