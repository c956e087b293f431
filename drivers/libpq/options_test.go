package libpq

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestOptions(t *testing.T) {
	dsn := pgserver.DSN(t)
	var dials, connects atomic.Int32
	dialer := dialerFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	})
	before := BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
		if connects.Add(1) > 2 {
			return errors.New("no password today")
		}
		cfg.ApplicationName = "changed"
		return nil
	})
	db := open(t, dsn, WithDialer(dialer), before)
	db.SetMaxIdleConns(0)
	for range 2 {
		var name string
		if err := db.QueryRow("SHOW application_name").Scan(&name); err != nil || name != "changed" {
			t.Errorf("application_name %q, %v", name, err)
		}
	}
	if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "no password today") {
		t.Errorf("%v, want BeforeConnect's error", err)
	}
	if n := dials.Load(); n != 2 {
		t.Errorf("%d dials through the dialer, want 2", n)
	}
}

type dialerFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialerFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// TestFallenBackSocketIsClosed: sslmode=prefer on a server without TLS dials
// twice, and lib/pq forgets the first socket.
func TestFallenBackSocketIsClosed(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	var opened []net.Conn
	dialer := dialerFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		opened = append(opened, c)
		return c, err
	})
	c := adapter(t, server.TCP().With("sslmode", "prefer").URL("postgres"), WithDialer(dialer))
	if len(opened) != 2 {
		t.Fatalf("%d dials, want 2", len(opened))
	}
	if err := opened[0].SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Error("the first socket is still open")
	}
	if err := c.Alive(); err != nil {
		t.Error(err)
	}
}
