package contract

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"
)

func (s *suite) testAbort(t *testing.T) {
	c := s.connect(t)
	result := make(chan error, 1)
	go func() {
		_, err := c.ExecContext(context.Background(), "SELECT pg_sleep(60)", nil)
		result <- err
	}()
	eventually(t, "the statement to run", func() bool { _, active := s.backends(t); return active == 1 })
	start := time.Now()
	c.Abort()
	select {
	case err := <-result:
		if err == nil {
			t.Error("no error")
		}
		t.Logf("returned after %v: %v", time.Since(start), err)
	case <-time.After(patience):
		t.Fatal("the call is still blocked")
	}
	if c.IsValid() {
		t.Error("valid after Abort")
	}
	start = time.Now()
	c.Close()
	if took := time.Since(start); took > 250*time.Millisecond {
		t.Errorf("Close after Abort took %v: it waits for the server", took)
	}

	c = s.connect(t)
	c.Abort()
	if c.IsValid() || c.ResetSession(context.Background()) == nil {
		t.Error("aborted while idle, and valid")
	}
	sent := c.Sent()
	if _, err := c.ExecContext(context.Background(), "SELECT 1", nil); !errors.Is(err, driver.ErrBadConn) || c.Sent() != sent {
		t.Errorf("exec: %v, %d bytes sent; want ErrBadConn and none", err, c.Sent()-sent)
	}
}

// testClose: when Close returns, the server has forgotten the connection.
func (s *suite) testClose(t *testing.T) {
	for range 20 {
		c := s.connect(t)
		exec(t, c, "SELECT 1")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.backends(t); n != 0 {
			t.Fatal("Close returned before the backend was gone")
		}
		if err := c.Close(); err != nil {
			t.Errorf("closed again: %v", err)
		}
	}
	var longest time.Duration
	for range 10 {
		c := s.connect(t)
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() {
			_, err := c.ExecContext(ctx, "SELECT pg_sleep(60)", nil)
			result <- err
		}()
		eventually(t, "the statement to run", func() bool { _, active := s.backends(t); return active == 1 })
		cancel()
		if err := <-result; err == nil {
			t.Fatal("no error")
		}
		start := time.Now()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(start))
		if n, _ := s.backends(t); n != 0 {
			t.Fatal("Close returned before the backend of a cancelled statement was gone")
		}
	}
	t.Logf("Close after a cancelled statement took %v at most", longest)
}

func (s *suite) testExpiredContext(t *testing.T) {
	c := s.connect(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	calls := s.calls(t, c)
	sent := c.Sent()
	for name, call := range calls {
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want the context's error", name, err)
		}
	}
	if got := c.Sent(); got != sent {
		t.Errorf("calls with an ended context sent %d bytes", got-sent)
	}
	connector, err := s.connector(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connector.Connect(ctx); !errors.Is(err, cause) {
		t.Errorf("connect: %v, want the context's cause", err)
	}
	exec(t, c, "SELECT 1")
}
