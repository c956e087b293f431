package relay_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/relay"
)

// echoing is a relay to a server that says what it is told.
func echoing(t *testing.T) *relay.Relay {
	t.Helper()
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	r, err := relay.Listen(server.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func dial(t *testing.T, r *relay.Relay) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp4", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// ask returns the echo of a text, or why there is none within the limit.
func ask(c net.Conn, text string, limit time.Duration) (string, error) {
	if _, err := c.Write([]byte(text)); err != nil {
		return "", err
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

const patience, moment = 30 * time.Second, 50 * time.Millisecond

func works(t *testing.T, c net.Conn) {
	t.Helper()
	if got, err := ask(c, "hello", patience); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatIsSentAndItsEndArePassedOn(t *testing.T) {
	r := echoing(t)
	c := dial(t, r)
	works(t, c)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end of both: %v", err)
	}
	if n := r.Accepted(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// Each kind of darkness swallows what it should, and its end is as told.
func TestDarkness(t *testing.T) {
	r := echoing(t)
	old := dial(t, r)
	works(t, old)
	if n := r.Darken(); n != 1 {
		t.Errorf("%d connections were open", n)
	}
	fresh := dial(t, r)
	works(t, fresh)
	if got, err := ask(old, "hello", moment); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("in the dark: %q, %v", got, err)
	}
	r.Silence()
	for _, c := range []net.Conn{fresh, dial(t, r)} {
		if got, err := ask(c, "hello", moment); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("in silence: %q, %v", got, err)
		}
	}
	r.Speak()
	works(t, fresh)
	if got, err := ask(old, "hello", moment); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("still in the dark: %q, %v", got, err)
	}
	r.Lighten()
	if _, err := old.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the dark: %v", err)
	}
	works(t, fresh)
}

func TestCutMendAndShut(t *testing.T) {
	r := echoing(t)
	c := dial(t, r)
	works(t, c)
	r.Cut()
	if _, err := ask(c, "hello", patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut: %v", err)
	}
	if c, err := net.Dial("tcp4", r.Addr()); err == nil {
		c.Close()
		t.Error("dialed while it is cut")
	}
	if err := r.Mend(); err != nil {
		t.Fatal(err)
	}
	c = dial(t, r)
	works(t, c)
	r.Shut()
	works(t, c)
	if c, err := net.Dial("tcp4", r.Addr()); err == nil {
		c.Close()
		t.Error("dialed while it is shut")
	}
}

func TestDrip(t *testing.T) {
	r := echoing(t)
	c := dial(t, r)
	works(t, c)
	r.Drip(true)
	start := time.Now()
	works(t, c)
	if took := time.Since(start); took < 4*20*time.Millisecond {
		t.Errorf("five bytes took %v", took)
	}
	r.Drip(false)
	works(t, c)
}
