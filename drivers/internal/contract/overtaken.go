package contract

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// An overtaking lane is a network on which, from hold on, what the first
// connection sends is held back until the server has dealt with the connection
// that comes next: the cancel request, which finds nothing to cancel.
type overtaking struct {
	listener net.Listener
	target   string
	holding  atomic.Bool
	held     chan struct{} // closed when the statement is held back
	release  chan struct{} // closed when the server has closed the next connection
	arrived  chan struct{} // closed when the statement has been sent on
}

func newOvertaking(t *testing.T, target string) *overtaking {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &overtaking{listener: listener, target: target, held: make(chan struct{}), release: make(chan struct{}), arrived: make(chan struct{})}
	t.Cleanup(func() { listener.Close() })
	go o.serve()
	return o
}

func (o *overtaking) serve() {
	for n := 1; ; n++ {
		in, err := o.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", o.target)
		if err != nil {
			in.Close()
			return
		}
		go o.send(n, out, in)
		go o.receive(n, in, out)
	}
}

// send forwards what the client sends, and the end of it.
func (o *overtaking) send(n int, out, in net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		got, err := in.Read(buf)
		hold := n == 1 && got > 0 && o.holding.CompareAndSwap(true, false)
		if hold {
			close(o.held)
			<-o.release
		}
		out.Write(buf[:got])
		if hold {
			close(o.arrived)
		}
		if err != nil {
			out.(*net.TCPConn).CloseWrite()
			return
		}
	}
}

func (o *overtaking) receive(n int, in, out net.Conn) {
	io.Copy(in, out)
	in.Close()
	out.Close()
	if n == 2 {
		close(o.release)
	}
}

// testOvertaken: a statement that its cancel request has overtaken runs on with
// nobody to read it. Close ends it.
func (s *suite) testOvertaken(t *testing.T) {
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	o := newOvertaking(t, u.Host)
	u.Host = o.listener.Addr().String()
	c := s.connectTo(t, u.String())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.holding.Store(true)
	result := make(chan error, 1)
	go func() {
		_, err := c.ExecContext(ctx, "SELECT pg_sleep(60)", nil)
		result <- err
	}()
	<-o.held
	cancel()
	if err := <-result; err == nil {
		t.Fatal("no error")
	}
	if c.IsValid() {
		t.Fatal("valid, with its statement on the way")
	}
	<-o.arrived // it runs now, unless the driver has asked once more already
	start := time.Now()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("Close took %v", time.Since(start))
	if n, _ := s.backends(t); n != 0 {
		t.Error("Close returned, and the statement runs on")
	}
}
