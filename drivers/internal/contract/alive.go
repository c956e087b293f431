package contract

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
)

func (s *suite) testAlive(t *testing.T) {
	c := s.connect(t)
	for range 3 {
		exec(t, c, "SELECT 1")
		if err := c.Alive(); err != nil {
			t.Fatalf("idle: %v", err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Alive(); c.TxStatus(); c.Sent() }); n != 0 {
		t.Errorf("looking allocates %v times", n)
	}

	s.terminate(t)
	eventually(t, "the end of the backend to be seen", func() bool { return c.Alive() != nil })
	if err := c.Alive(); err != nil && !errors.Is(err, driver.ErrSkip) {
		t.Errorf("with the server's last words waiting: %v, want ErrSkip", err)
	}
	if err := c.Ping(context.Background()); err == nil {
		t.Error("the ping of a dead connection succeeds")
	}
	if err := c.Alive(); err == nil || errors.Is(err, driver.ErrSkip) {
		t.Errorf("after the ping: %v, want that it is dead", err)
	}
	if c.IsValid() {
		t.Error("a dead connection is valid")
	}

	c = s.connect(t)
	c.Close()
	if err := c.Alive(); err == nil || errors.Is(err, driver.ErrSkip) {
		t.Errorf("closed: %v, want that it is dead", err)
	}
}

func (s *suite) testSent(t *testing.T) {
	c := s.connect(t)
	before := c.Sent()
	if before == 0 {
		t.Error("the connect is not counted")
	}
	c.Alive()
	c.TxStatus()
	c.IsValid()
	c.ResetSession(context.Background())
	if got := c.Sent(); got != before {
		t.Errorf("%d bytes for nothing", got-before)
	}
	exec(t, c, "SELECT 1")
	if c.Sent() == before {
		t.Error("a statement is not counted")
	}

	s.terminate(t)
	eventually(t, "the end of the backend to be seen", func() bool { return c.Alive() != nil })
	c.Ping(context.Background())
	before = c.Sent()
	if _, err := c.ExecContext(context.Background(), "SELECT 1", nil); !errors.Is(err, driver.ErrBadConn) {
		t.Errorf("exec on a connection known to be dead: %v", err)
	}
	if got := c.Sent(); got != before {
		t.Errorf("it sent %d bytes", got-before)
	}
}
