package contract

import (
	"context"
	"errors"
	"net"
	"net/url"
	"testing"
	"time"
)

// A host that takes connections and says nothing costs its timeout once, not at each
// connect: the next one asks the others first.
func (s *suite) testSilentHost(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	accepted := make(chan net.Conn, 8)
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	connector, err := s.connector("host=127.0.0.1," + u.Hostname() + " port=" + port + "," + u.Port() +
		" user=" + u.User.Username() + " dbname=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := connector.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the first connect, which asks the silent host: %v", err)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := connector.Connect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	silent.Close()
	asked := 0
	for c := range accepted {
		c.Close()
		asked++
	}
	if asked != 1 {
		t.Errorf("the silent host was asked %d times in 4 connects, want once", asked)
	}
}
