//go:build unix

package drivers

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

// twoHosts are connectors of each driver, with dial, that ask the host at first, and then a server
// that answers.
func twoHosts(t *testing.T, first string, dial dialFunc) map[string]driver.Connector {
	t.Helper()
	good := pgserver.Shared(t).TCP()
	host, port, err := net.SplitHostPort(first)
	must(t, err)
	onPGX, err := pgxv5.Connector(strings.Replace(good.URL("postgres"), "@", "@"+first+",", 1), pgxv5.WithDialFunc(dial))
	must(t, err)
	onPQ, err := libpq.Connector(strings.NewReplacer("host='", "host='"+host+",", "port='", "port='"+port+",").Replace(good.KeyValue("postgres")), libpq.WithDialer(dial))
	must(t, err)
	return map[string]driver.Connector{PGX: onPGX, PQ: onPQ}
}

// dialFunc is a dialer for both drivers.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements pq.DialerContext.
func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// listen is a host that takes connections and says nothing on them.
func listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// A host that did not answer in time, the dial or the first read, is asked last by the next connect.
func TestASilentHostIsAskedLast(t *testing.T) {
	address, asked := listen(t), 0
	var silent func(*mute) (net.Conn, error)
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, to)
		if err != nil || to != address {
			return c, err
		}
		asked++
		return silent(&mute{c})
	}
	for what, how := range map[string]func(*mute) (net.Conn, error){
		"dial": func(m *mute) (net.Conn, error) {
			_, err := m.Read(nil)
			return nil, errors.Join(err, m.Close())
		},
		"read": func(m *mute) (net.Conn, error) { return m, nil },
	} {
		silent = how
		for name, connector := range twoHosts(t, address, dial) {
			t.Run(what+"/"+name, func(t *testing.T) {
				for n, want := range []bool{true, false} {
					asked = 0
					c, err := connector.Connect(t.Context())
					must(t, err)
					_ = c.Close()
					if asked > 0 != want {
						t.Errorf("connect %d asked the silent host %d times", n+1, asked)
					}
				}
			})
		}
	}
}

// mute is a connection to a host from which nothing comes in time.
type mute struct{ net.Conn }

func (m *mute) Read([]byte) (int, error) {
	time.Sleep(100 * time.Millisecond) // what has waited for less than half of it is not called silent
	return 0, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
}

// A connect whose context ends after the first host and before the second is an error, of which
// the driver makes no panic.
func TestAConnectThatEndsBetweenTwoHosts(t *testing.T) {
	address := listen(t)
	for _, name := range []string{PGX, PQ} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			dial := func(ctx context.Context, network, to string) (net.Conn, error) { // pgx dials once more, in the background, to cancel what it gave up
				c, err := new(net.Dialer).DialContext(ctx, network, to)
				if err != nil || to != address {
					return c, err
				}
				return &lastBreath{Conn: c, cancel: cancel, cut: make(chan struct{})}, nil
			}
			c, err := twoHosts(t, address, dial)[name].Connect(ctx)
			if c != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
}

// lastBreath ends the context when it is read, and then breaks when it has been cut for that.
type lastBreath struct {
	net.Conn
	cancel context.CancelFunc
	cut    chan struct{}
	once   sync.Once
}

func (c *lastBreath) Read([]byte) (int, error) {
	c.cancel()
	<-c.cut
	return 0, io.EOF
}

func (c *lastBreath) SetDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		c.once.Do(func() { close(c.cut) })
	}
	return c.Conn.SetDeadline(t)
}

func (c *lastBreath) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }
