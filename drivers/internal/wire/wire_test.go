package wire

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pair returns a connection and the server's end of it.
func pair(t testing.TB) (*Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close(); server.Close() })
	return Wrap(raw, Grace(0)), server
}

// read returns the result of a read that begins now.
func read(c net.Conn) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		result <- err
	}()
	return result
}

func within(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("still blocked")
		return nil
	}
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not come")
		}
	}
}

func TestAlive(t *testing.T) {
	c, server := pair(t)
	if err := c.Alive(); err != nil {
		t.Errorf("open: %v", err)
	}
	c.raw.SetDeadline(past)
	if err := c.Alive(); err != nil {
		t.Errorf("after a deadline: %v", err)
	}
	c.raw.SetDeadline(time.Time{})
	waiting := read(c)
	if err := c.Alive(); err != nil {
		t.Errorf("while somebody reads: %v", err)
	}
	server.Write([]byte("ab"))
	if err := within(t, waiting); err != nil {
		t.Error(err)
	}
	until(t, func() bool { return c.Alive() == driver.ErrSkip })
	c.Read(make([]byte, 1))
	if err := c.Alive(); err != nil {
		t.Errorf("all read: %v", err)
	}
	if n := testing.AllocsPerRun(100, func() { c.Alive() }); n != 0 {
		t.Errorf("a look allocates %v times", n)
	}
	server.Close()
	until(t, func() bool { return c.Alive() == io.EOF })

	a, _ := net.Pipe()
	if err := Wrap(a, 0).Alive(); err != errors.ErrUnsupported {
		t.Errorf("not a socket: %v, want ErrUnsupported", err)
	}
}

func TestSent(t *testing.T) {
	c, server := pair(t)
	c.Write([]byte("hello"))
	server.Write([]byte("x"))
	c.Read(make([]byte, 1))
	if n := c.Sent(); n != 5 {
		t.Errorf("%d bytes sent, want 5", n)
	}
	c.Abort()
	c.Write([]byte("more"))
	if n := c.Sent(); n != 5 {
		t.Errorf("%d bytes sent after Abort, want 5", n)
	}
	// What a write that fails halfway has sent counts.
	c, _ = pair(t)
	much := make([]byte, 64<<20) // before the deadline is set: it takes time
	c.raw.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := c.Write(much)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || c.Sent() != uint64(n) {
		t.Errorf("wrote %d (%v), counted %d", n, err, c.Sent())
	}
}

func TestRunning(t *testing.T) {
	c, server := pair(t)
	if c.Running() {
		t.Error("running before anything was sent")
	}
	c.Write([]byte("x"))
	if !c.Running() {
		t.Error("not running, and the server owes an answer")
	}
	server.Write([]byte("y"))
	c.Read(make([]byte, 1))
	if c.Running() {
		t.Error("running when the answer has been read")
	}
	waiting := read(c) // as lib/pq reads during a COPY
	reads := func() bool {
		buf := make([]byte, 1<<20)
		return strings.Contains(string(buf[:runtime.Stack(buf, true)]), "wire.(*Conn).Read")
	}
	until(t, reads)
	c.Write([]byte("x"))
	server.Write([]byte("y"))
	within(t, waiting)
	if c.Running() {
		t.Error("running when what was sent during the read has been answered")
	}
}

// answered is a socket whose Write returns when the answer to what it sent has been read.
type answered struct {
	net.Conn
	wait func()
}

func (c *answered) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wait()
	return n, err
}

func TestAnAnswerThatOvertakesItsWriteLeavesNothingOwed(t *testing.T) {
	inner, server := pair(t)
	raw := &answered{Conn: inner.raw}
	c := Wrap(raw, 0)
	raw.wait = func() {
		server.Write([]byte("y"))
		within(t, read(c))
	}
	c.Write([]byte("x"))
	if c.Running() {
		t.Error("running when the answer was read before Write returned")
	}
}

// slowStop is a socket on which a stop takes until done.
type slowStop struct {
	net.Conn
	begun, done chan struct{}
}

func (s slowStop) SetDeadline(time.Time) error {
	close(s.begun)
	<-s.done
	return nil
}

// TestStopAfterIsOverWhenItSays: a timer may fire at the moment when the call that it
// bounds ends, and must not meet the next one.
func TestStopAfterIsOverWhenItSays(t *testing.T) {
	raw := slowStop{begun: make(chan struct{}), done: make(chan struct{})}
	raw.Conn, _ = net.Pipe()
	c := Wrap(raw, 0)
	over := c.StopAfter(0, ErrAborted)
	<-raw.begun
	returned := make(chan struct{})
	go func() {
		over()
		close(returned)
	}()
	until(t, func() bool {
		select {
		case <-returned:
			t.Fatal("over returned while the stop was under way")
		default:
		}
		buf := make([]byte, 1<<20)
		return strings.Count(string(buf[:runtime.Stack(buf, true)]), "sync.(*Once).Do") == 2
	})
	close(raw.done)
	<-returned

	over = Wrap(raw, 0).StopAfter(time.Hour, ErrAborted)
	over()
}

func TestAnInterruptionCannotBeUndone(t *testing.T) {
	for name, cut := range map[string]func(*Conn){
		"abort":  (*Conn).Abort,
		"stop":   func(c *Conn) { c.Stop(ErrAborted) },
		"expire": func(c *Conn) { c.Expire(ErrAborted) },
	} {
		c, _ := pair(t)
		c.SetDeadline(time.Now().Add(time.Hour))
		waiting := read(c)
		cut(c)
		c.SetDeadline(time.Time{})
		c.SetReadDeadline(time.Now().Add(time.Hour))
		err := within(t, waiting)
		var op *net.OpError
		if !errors.Is(err, ErrAborted) || !errors.As(err, &op) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, ErrAborted) {
			t.Errorf("%s: a write afterwards: %v", name, err)
		}
	}
}

func TestExpireSparesWhatHasArrived(t *testing.T) {
	c, server := pair(t)
	server.Write([]byte("ab"))
	until(t, func() bool { return c.Alive() == driver.ErrSkip })
	c.Expire(context.DeadlineExceeded)
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("what has arrived cannot be read: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("the rest: %v", err)
	}
	c.Revive()
	waiting := read(c)
	server.Write([]byte("c"))
	if err := within(t, waiting); err != nil {
		t.Errorf("revived: %v", err)
	}
	c.Expire(context.DeadlineExceeded)
	if err := within(t, read(c)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expired, nothing arrives: %v", err)
	}
	c.Revive()
	if err := c.Alive(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("what has been cut was revived: %v", err)
	}
}

func TestHold(t *testing.T) {
	c, server := pair(t)
	c.Hold(func() {
		if _, err := c.Write([]byte("x")); !errors.Is(err, errHeld) {
			t.Error(err)
		}
	})
	if _, err := c.Write([]byte("y")); err != nil {
		t.Error(err)
	}
	b := make([]byte, 1)
	if server.Read(b); b[0] != 'y' {
		t.Errorf("the server read %q", b)
	}
	c.Hold(c.Abort)
	if err := c.LastError(); err != ErrAborted {
		t.Errorf("Abort while held is forgotten: %v", err)
	}
}

func TestLimit(t *testing.T) {
	c, _ := pair(t)
	c.SetLimit(time.Now().Add(20 * time.Millisecond))
	c.SetDeadline(time.Now().Add(time.Hour))
	c.SetReadDeadline(time.Time{})
	if err := within(t, read(c)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want the limit", err)
	}
	if err := c.LastError(); err != nil {
		t.Errorf("a deadline is not a fault of the network: %v", err)
	}
}

func BenchmarkAlive(b *testing.B) {
	c, _ := pair(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Alive()
	}
}

// A cause says more than the context's error, also when it wraps that.
func TestAnInterruptionTellsItsCause(t *testing.T) {
	const cut = "connection cut, the server did not answer in time: context canceled"
	shutdown := fmt.Errorf("shutting down: %w", context.Canceled)
	for want, cause := range map[string]error{cut: context.Canceled, cut + " (shutting down: context canceled)": shutdown} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if got := Interruption(ctx); got.Error() != want || !errors.Is(got, cause) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a look at the socket finds out is known from then on.
func TestTheEndThatALookHasSeenIsKept(t *testing.T) {
	c, server := pair(t)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	for c.Alive() == nil { // until the end has come through
		runtime.Gosched()
	}
	if !c.Gone() || c.LastError() != io.EOF {
		t.Errorf("gone %v, last error %v", c.Gone(), c.LastError())
	}
}

// A socket that is closed below the wrapper, by a proxy's dialer or by a program
// that has its file, is no living connection.
func TestASocketClosedBelowIsNotAlive(t *testing.T) {
	c, _ := pair(t)
	if err := c.Alive(); err != nil {
		t.Fatalf("open: %v", err)
	}
	if err := c.raw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Alive(); err == nil || errors.Is(err, driver.ErrSkip) || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("closed below: %v, which is no reason to retire it", err)
	}
}

// A driver that asks one host after the other takes a nil connection without an error
// for one that it can use: lib/pq panics over it.
func TestADialThatEndsBetweenTwoHostsIsAnError(t *testing.T) {
	ended := errors.New("the caller's context ended")
	c, _ := pair(t)
	var d *Dialer
	interrupts := false
	d = NewDialer(func(context.Context, string, string) (net.Conn, error) {
		if interrupts {
			d.Interrupt(ended)
		}
		return c.raw, nil
	})
	dials := map[string]func() (net.Conn, error){
		"DialContext": func() (net.Conn, error) { return d.DialContext(context.Background(), "tcp", "second:5432") },
		"Dial":        func() (net.Conn, error) { return d.Dial("tcp", "second:5432") },
		"DialTimeout": func() (net.Conn, error) { return d.DialTimeout("tcp", "second:5432", time.Minute) },
	}
	for name, dial := range dials {
		d.stop, interrupts = nil, false
		if _, err := d.DialContext(context.Background(), "tcp", "first:5432"); err != nil {
			t.Fatal(err)
		}
		d.Interrupt(ended)
		if conn, err := dial(); conn != nil || err != ended {
			t.Errorf("%s after the end: %v, %v", name, conn, err)
		}
		d.stop, interrupts = nil, true
		if conn, err := dial(); conn != nil || err != ended {
			t.Errorf("%s during which it ended: %v, %v", name, conn, err)
		}
	}
}

// What the server said while the driver connected is no answer, and neither is what it says unasked.
func TestAnAnswerCountsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, server := net.Pipe()
		defer raw.Close()
		defer server.Close()
		c := Wrap(raw, Grace(0))
		say := func() {
			t.Helper()
			result := read(c)
			if _, err := server.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := <-result; err != nil {
				t.Fatal(err)
			}
		}
		ask := func() {
			t.Helper()
			go server.Read(make([]byte, 1))
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		want := func(when string, answered bool) {
			t.Helper()
			if got := c.Answered(time.Second); got != answered {
				t.Errorf("%s: answered %v", when, got)
			}
		}
		ask()
		time.Sleep(time.Millisecond)
		say()
		c.Established()
		want("after the connect", false)
		say()
		want("after a notice", false)
		ask()
		want("while it runs", false)
		time.Sleep(time.Millisecond)
		say()
		want("after the answer", true)
		time.Sleep(time.Second)
		want("a second later", true)
		time.Sleep(1)
		want("later", false)
		say()
		want("after another notice", false)
		ask()
		say()
		want("after another answer", true)
		ask()
		want("while something runs", false)
	})
}
