package wire

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestFinishWaitsForTheServer(t *testing.T) {
	c, server := pair(t)
	c.Established()
	waiting := read(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, waiting); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read that Close meets: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	finished := make(chan error, 1)
	go func() { finished <- c.Finish(time.Now().Add(time.Hour)) }()
	if n, err := io.Copy(io.Discard, server); n != 0 || err != nil {
		t.Errorf("the server sees %d bytes, %v, and not the end", n, err)
	}
	select {
	case err := <-finished:
		t.Fatalf("Finish returned (%v) before the server had closed", err)
	default:
	}
	server.Write([]byte("last words"))
	server.Close()
	if err := within(t, finished); err != nil {
		t.Error(err)
	}
	if err := c.Finish(time.Now()); err != nil {
		t.Errorf("finished twice: %v", err)
	}
}

func TestFinishDoesNotWaitForEver(t *testing.T) {
	c, _ := pair(t)
	c.Established()
	if err := c.Finish(time.Now().Add(20 * time.Millisecond)); !errors.Is(err, ErrLingering) {
		t.Errorf("%v, want ErrLingering", err)
	}

	c, _ = pair(t)
	c.Established()
	finished := make(chan error, 1)
	go func() { finished <- c.Finish(time.Now().Add(time.Hour)) }()
	c.Abort()
	if err := within(t, finished); err != nil {
		t.Errorf("Abort during Finish: %v", err)
	}
}

func TestNobodyWaitsForAServerThatIsNoUse(t *testing.T) {
	c, server := pair(t) // not established
	c.Close()
	if err := within(t, read(server)); err != io.EOF {
		t.Errorf("the server sees %v, want the end", err)
	}
	c, _ = pair(t)
	c.Established()
	c.Abort()
	if err := c.Finish(time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
}
