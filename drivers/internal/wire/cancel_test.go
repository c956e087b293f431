package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// cancelPair returns a connection, a cancel request's socket about it, and the
// server's end of that.
func cancelPair(t *testing.T) (about *Conn, request net.Conn, server net.Conn) {
	t.Helper()
	about, _ = pair(t)
	inner, server := pair(t)
	return about, &cancelConn{Conn: inner, about: about}, server
}

func TestOnlyTheServerSettlesACancelRequest(t *testing.T) {
	about, request, server := cancelPair(t)
	if !about.Settled() {
		t.Error("unsettled before a byte was sent")
	}
	request.Write([]byte("half"))
	request.Write([]byte("and half"))
	if about.Settled() || !errors.Is(about.Alive(), ErrUnsettled) {
		t.Errorf("settled with the request on its way (alive: %v)", about.Alive())
	}
	if err := about.LastError(); err != nil {
		t.Errorf("%v: nothing is wrong with the connection", err)
	}
	io.ReadFull(server, make([]byte, 12))
	server.Close()
	for range 2 {
		if _, err := request.Read(make([]byte, 1)); err != io.EOF {
			t.Fatal(err)
		}
	}
	if !about.Settled() {
		t.Error("unsettled when the server has closed")
	}

	for name, end := range map[string]func(request, server net.Conn){
		"cut off": func(request, _ net.Conn) { request.SetDeadline(past) },
		"closed":  func(request, _ net.Conn) { request.Close() },
		"reset": func(_, server net.Conn) {
			server.(*net.TCPConn).SetLinger(0)
			server.Close()
		},
	} {
		about, request, server := cancelPair(t)
		request.Write([]byte("request"))
		end(request, server)
		if _, err := request.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		request.Close()
		if about.Settled() {
			t.Errorf("%s: settled, and the request may still arrive", name)
		}
	}

	about, request, server = cancelPair(t)
	server.Close()
	request.Read(make([]byte, 1))
	request.Close()
	if !about.Settled() {
		t.Error("unsettled by a request that was never sent")
	}
}

// TestAnEndBehindTheDriversCloseSettles: a driver that reads through TLS closes when
// the server has said goodbye there, and never sees the end of the stream.
func TestAnEndBehindTheDriversCloseSettles(t *testing.T) {
	about, request, server := cancelPair(t)
	request.Write([]byte("request"))
	server.Write([]byte("goodbye"))
	if _, err := request.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := request.Close(); err != nil {
		t.Fatal(err)
	}
	if about.Settled() {
		t.Error("settled before the server's end")
	}
	server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := io.Copy(io.Discard, server); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server sees an end of the stream (%v), of which PgBouncer 1.18 dies", err)
	}
	server.Close()
	until(t, about.Settled)
	if _, err := request.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("the driver reads on after its close: %v", err)
	}
	if err := request.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}

	about, request, server = cancelPair(t)
	request.(*cancelConn).limit = time.Now().Add(20 * time.Millisecond)
	request.Write([]byte("request"))
	request.Close()
	server.Write([]byte("and no end"))
	until(t, func() bool { return request.(*cancelConn).raw.SetDeadline(past) != nil }) // closed
	if about.Settled() {
		t.Error("settled, and the server has not closed")
	}
}

// TestACancelRequestIsADialAfterEstablish: the driver's requests, and the
// adapter's own, count for the connection.
func TestACancelRequestIsADialAfterEstablish(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := NewDialer(new(net.Dialer).DialContext)
	if _, err := d.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := d.Establish()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Finish(time.Now())
	for name, dial := range map[string]func() (net.Conn, error){
		"driver's":  func() (net.Conn, error) { return d.Dial("tcp", listener.Addr().String()) },
		"adapter's": func() (net.Conn, error) { return d.DialAgain(context.Background()) },
	} {
		request, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		before := c.unsettled.Load()
		request.Write([]byte("x"))
		if n := c.unsettled.Load(); n != before+1 {
			t.Errorf("the %s request: %d are unsettled, want %d", name, n, before+1)
		}
		request.Close()
	}
}

func TestInsist(t *testing.T) {
	c, server := pair(t)
	c.Established()
	var asked atomic.Int32
	blocked := make(chan struct{})
	defer close(blocked)
	stop := c.Insist(10*time.Millisecond, time.Now().Add(time.Hour), func(ctx context.Context) error {
		if asked.Add(1) == 1 {
			<-blocked // one that hangs holds up nobody
			return nil
		}
		if asked.Load() == 3 {
			server.Close() // the backend is gone
		}
		return nil
	})
	if n, err := io.Copy(io.Discard, server); n != 0 || err != nil && asked.Load() < 3 {
		t.Errorf("the server sees %d bytes, %v, and not the end", n, err)
	}
	if err := c.Finish(time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	stop()
	if n := asked.Load(); n < 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestInsistEnds(t *testing.T) {
	c, _ := pair(t)
	contexts := make(chan context.Context, 10)
	ask := func(ctx context.Context) error {
		contexts <- ctx
		return nil
	}
	stop := c.Insist(10*time.Millisecond, time.Now().Add(time.Hour), ask)
	ctx := <-contexts
	stop()
	if ctx.Err() == nil {
		t.Error("a request outlives stop")
	}
	defer c.Insist(10*time.Millisecond, time.Now().Add(50*time.Millisecond), ask)()
	<-(<-contexts).Done() // the deadline
}

// Requests are few, and fewer where the statement cannot have been overtaken. While the
// server has not dealt with one, none follows.
func TestInsistSpacesItsRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		sent      time.Duration // before
		unsettled int32
		want      string
	}{
		"just sent":                {0, 0, "[0s 10ms 50ms 210ms]"},
		"four graces ago":          {80 * time.Millisecond, 0, "[0s 10ms 50ms 210ms]"},
		"longer ago":               {81 * time.Millisecond, 0, "[80ms 400ms]"},
		"just sent, unsettled":     {0, 1, "[]"},
		"sent long ago, unsettled": {time.Hour, 1, "[]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			go io.Copy(io.Discard, server)
			c := Wrap(client, 20*time.Millisecond)
			time.Sleep(time.Minute)
			c.Write([]byte("x"))
			c.unsettled.Store(tt.unsettled)
			time.Sleep(tt.sent)
			start := time.Now()
			var mu sync.Mutex
			at := []time.Duration{}
			stop := c.Insist(0, start.Add(500*time.Millisecond), func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(start))
				return nil
			})
			time.Sleep(time.Second)
			synctest.Wait()
			stop()
			mu.Lock()
			defer mu.Unlock()
			if got := fmt.Sprint(at); got != tt.want {
				t.Errorf("%s: asked after %s, want %s", name, got, tt.want)
			}
		})
	}
}
