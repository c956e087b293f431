package contract

import (
	"context"
	"net"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A tunnel forwards connections to the server until it goes dark: from then on
// it accepts everything and forwards nothing, as a network does that drops
// packets.
type tunnel struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	dark  bool
	conns []net.Conn
}

func newTunnel(t *testing.T, target string) *tunnel {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tn := &tunnel{listener: listener, target: target}
	go tn.serve()
	t.Cleanup(tn.close)
	return tn
}

func (tn *tunnel) addr() string { return tn.listener.Addr().String() }

func (tn *tunnel) serve() {
	for {
		in, err := tn.listener.Accept()
		if err != nil {
			return
		}
		tn.keep(in)
		if tn.isDark() {
			continue
		}
		out, err := net.Dial("tcp", tn.target)
		if err != nil {
			in.Close()
			continue
		}
		tn.keep(out)
		go tn.forward(in, out)
		go tn.forward(out, in)
	}
}

func (tn *tunnel) forward(to, from net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if tn.isDark() {
			return // what was read is lost
		}
		if n > 0 {
			to.Write(buf[:n])
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

func (tn *tunnel) keep(c net.Conn) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.conns = append(tn.conns, c)
}

func (tn *tunnel) isDark() bool {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	return tn.dark
}

func (tn *tunnel) goDark() {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.dark = true
}

func (tn *tunnel) close() {
	tn.listener.Close()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	for _, c := range tn.conns {
		c.Close()
	}
}

func (s *suite) testDarkNetwork(t *testing.T) {
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	tn := newTunnel(t, u.Host)
	u.Host = tn.addr()
	calls := make(map[string]call)
	var conns []Conn
	for _, name := range callNames {
		c := s.connectTo(t, u.String())
		conns = append(conns, c)
		calls[name] = s.calls(t, c)[name]
	}
	connector, err := s.connector(u.String())
	if err != nil {
		t.Fatal(err)
	}
	calls["connect"] = func(ctx context.Context) error {
		_, err := connector.Connect(ctx)
		return err
	}
	tn.goDark()
	before := runtime.NumGoroutine()
	s.overruns(t, calls)
	var closing sync.WaitGroup
	for _, c := range conns {
		if c.IsValid() {
			t.Error("a connection whose server did not answer is valid")
		}
		closing.Go(func() {
			start := time.Now()
			if err := c.Close(); err == nil {
				t.Error("Close does not say that the server's side is still there")
			}
			if took := time.Since(start); took > 500*time.Millisecond+slack {
				t.Errorf("Close took %v", took)
			}
		})
	}
	closing.Wait()
	eventually(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
