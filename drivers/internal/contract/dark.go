package contract

import (
	"context"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/relay"
)

func (s *suite) testDarkNetwork(t *testing.T) {
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	network, err := relay.Listen(u.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { network.Close() })
	u.Host = network.Addr()
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
	network.Silence()
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
	network.Close() // its own end with it
	eventually(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
