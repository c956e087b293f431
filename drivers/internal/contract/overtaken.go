package contract

import (
	"context"
	"io"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/relay"
)

// An overtaking lane is a network on which, from hold on, what the first
// connection sends is held back until the server has dealt with the connection
// that comes next: the cancel request, which finds nothing to cancel.
type overtaking struct {
	*relay.Relay
	holding atomic.Bool
	held    chan struct{} // closed when the statement is held back
	release chan struct{} // closed when the server has closed the next connection
	arrived chan struct{} // closed when the statement has been sent on
}

func newOvertaking(t *testing.T, target string) *overtaking {
	t.Helper()
	o := &overtaking{held: make(chan struct{}), release: make(chan struct{}), arrived: make(chan struct{})}
	r, err := relay.Listen(target, o.carry)
	if err != nil {
		t.Fatal(err)
	}
	o.Relay = r
	t.Cleanup(r.Shut)
	return o
}

func (o *overtaking) carry(l *relay.Link) {
	go o.send(l)
	io.Copy(l.Client, l.Server)
	l.Close()
	if l.N == 2 {
		close(o.release)
	}
}

// send forwards what the client sends, and the end of it.
func (o *overtaking) send(l *relay.Link) {
	buf := make([]byte, 16<<10)
	for {
		got, err := l.Client.Read(buf)
		hold := l.N == 1 && got > 0 && o.holding.CompareAndSwap(true, false)
		if hold {
			close(o.held)
			<-o.release
		}
		l.Server.Write(buf[:got])
		if hold {
			close(o.arrived)
		}
		if err != nil {
			l.Server.CloseWrite()
			return
		}
	}
}

// testOvertaken: a statement that its cancel request has overtaken runs on without
// a reader. Close ends it.
func (s *suite) testOvertaken(t *testing.T) {
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	o := newOvertaking(t, u.Host)
	u.Host = o.Addr()
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
