package tap

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// A Tap is a listening proxy. Its methods may be called from any goroutine.
type Tap struct {
	listener net.Listener
	upstream string
	plan     atomic.Pointer[Plan]
	broken   atomic.Int64
	work     sync.WaitGroup

	// mu protects the links, so that a fault meets each that is open and none
	// that is opened later.
	mu     sync.Mutex
	links  map[*link]struct{}
	closed bool
}

// Listen starts a proxy to upstream (host:port) on a free loopback port. It
// forwards everything until told otherwise.
func Listen(upstream string) (*Tap, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("tap: %w", err)
	}
	t := &Tap{listener: listener, upstream: upstream, links: make(map[*link]struct{})}
	t.work.Go(t.accept)
	return t, nil
}

// Port is where the proxy listens.
func (t *Tap) Port() int { return t.listener.Addr().(*net.TCPAddr).Port }

// SetPlan decides the faults of the executions that follow; nil forwards all.
func (t *Tap) SetPlan(p Plan) {
	if p == nil {
		t.plan.Store(nil)
		return
	}
	t.plan.Store(&p)
}

// Broken is how many executions had another fault than Forward.
func (t *Tap) Broken() int64 { return t.broken.Load() }

func (t *Tap) accept() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return // closed
		}
		t.work.Go(func() { t.serve(client.(*net.TCPConn)) })
	}
}

func (t *Tap) serve(client *net.TCPConn) {
	server, err := net.Dial("tcp4", t.upstream)
	if err != nil {
		reset(client)
		return
	}
	l := &link{tap: t, client: client, server: server.(*net.TCPConn), texts: make(map[string]string)}
	if !t.keep(l) {
		l.reset()
		return
	}
	defer t.drop(l)
	l.forward()
}

func (t *Tap) keep(l *link) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.links[l] = struct{}{}
	return true
}

func (t *Tap) drop(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.links, l)
}

// each calls f with every link that is open now and returns how many there are.
func (t *Tap) each(f func(*link)) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.links {
		f(l)
	}
	return len(t.links)
}

// Darken has the network swallow the connections that are open now, in both
// directions and without a word to either end. It returns how many there are.
func (t *Tap) Darken() int { return t.each(func(l *link) { l.dark.Store(true) }) }

// Lighten ends the darkness: the ends of swallowed connections learn, by a
// reset, that those are gone.
func (t *Tap) Lighten() {
	t.each(func(l *link) {
		if l.dark.Load() {
			l.reset()
		}
	})
}

// Reset cuts the connections that are open now, each end with a TCP reset, and
// returns how many there are.
func (t *Tap) Reset() int { return t.each((*link).reset) }

// Close stops listening, cuts every connection and waits for the end of it all.
func (t *Tap) Close() error {
	err := t.listener.Close()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.Reset()
	t.work.Wait()
	return err
}
