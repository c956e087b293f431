// Package relay is a TCP proxy for laboratories: it passes connections on to one address, and the network on the way can
// be cut, slow, or swallow what is sent. A user that wants to see what passes carries it itself.
package relay

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// Relay listens on a loopback port. Its methods may be called from any goroutine.
type Relay struct {
	upstream string
	carry    func(*Link)
	accepted atomic.Int64
	silent   atomic.Bool
	drips    atomic.Bool
	work     sync.WaitGroup

	// mu protects what follows, so that a fault meets each link that is open and none that is opened later.
	mu       sync.Mutex
	listener net.Listener
	links    map[*Link]struct{}
	refusing bool
}

// Listen starts a relay to upstream (host:port) on a free loopback port. carry, called in a goroutine of its own for each
// link, passes on what is sent until both ends have finished; nil is [Link.Pass].
func Listen(upstream string, carry func(*Link)) (*Relay, error) {
	if carry == nil {
		carry = (*Link).Pass
	}
	r := &Relay{upstream: upstream, carry: carry, links: make(map[*Link]struct{})}
	return r, r.listen("127.0.0.1:0")
}

func (r *Relay) listen(address string) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	r.mu.Lock()
	r.listener, r.refusing = listener, false
	r.mu.Unlock()
	r.work.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			n := int(r.accepted.Add(1))
			r.work.Go(func() { r.serve(client.(*net.TCPConn), n) })
		}
	})
	return nil
}

func (r *Relay) serve(client *net.TCPConn, n int) {
	server, err := net.Dial("tcp4", r.upstream)
	if err != nil {
		reset(client)
		return
	}
	l := &Link{relay: r, Client: client, Server: server.(*net.TCPConn), N: n}
	if !r.keep(l) {
		l.Reset()
		return
	}
	defer r.drop(l)
	r.carry(l)
	l.Close()
}

func (r *Relay) keep(l *Link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.refusing {
		r.links[l] = struct{}{}
	}
	return !r.refusing
}

func (r *Relay) drop(l *Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.links, l)
}

// each calls f with every link that is open now and returns how many there are.
func (r *Relay) each(f func(*Link)) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.links {
		f(l)
	}
	return len(r.links)
}

// Addr is where the relay listens, as host:port, whether or not it is cut.
func (r *Relay) Addr() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listener.Addr().String()
}

// Port is the port of Addr.
func (r *Relay) Port() (port int) {
	_, _ = fmt.Sscanf(r.Addr(), "127.0.0.1:%d", &port)
	return port
}

// Accepted is how many connections there have been.
func (r *Relay) Accepted() int64 { return r.accepted.Load() }

// Shut takes no connections any more. Those that are open stay.
func (r *Relay) Shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close() // it may be closed already
}

// Cut resets every connection and refuses new ones until Mend.
func (r *Relay) Cut() {
	r.mu.Lock()
	r.refusing = true
	r.mu.Unlock()
	r.Shut()
	r.Reset()
}

// Mend ends a Cut.
func (r *Relay) Mend() error { return r.listen(r.Addr()) }

// Close ends everything and returns when it has ended.
func (r *Relay) Close() error {
	r.Cut()
	r.work.Wait()
	return nil
}
