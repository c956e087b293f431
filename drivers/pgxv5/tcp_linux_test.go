package pgxv5

import (
	"context"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/internal/pgserver"
)

func TestTCPSettingsAreOnTheSocket(t *testing.T) {
	dsn := pgserver.Shared(t).TCP().KeyValue(pgserver.Shared(t).NewDatabase(t))
	options := func(params string) map[string]int {
		t.Helper()
		connector, err := Connector(dsn + params)
		if err != nil {
			t.Fatal(err)
		}
		c, err := connector.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return contract.SocketOptions(t, c.(*conn).wire.NetConn())
	}
	plain := options("")
	for params, want := range map[string]map[string]int{
		" keepalives_idle=31 keepalives_interval=7 keepalives_count=4 tcp_user_timeout=12345": {
			"keepalives": 1, "keepalives_idle": 31, "keepalives_interval": 7, "keepalives_count": 4, "tcp_user_timeout": 12345},
		" keepalives=0":          {"keepalives": 0},
		" keepalives=1":          {"keepalives": 1},
		" keepalives_idle=0":     {"keepalives": 1},
		" tcp_user_timeout=2000": {"tcp_user_timeout": 2000},
	} {
		expected := maps.Clone(plain)
		maps.Copy(expected, want)
		if got := options(params); !maps.Equal(got, expected) {
			t.Errorf("%s: %v, want %v", params, got, expected)
		}
	}
	for _, bad := range []string{"keepalives_idle=soon", "tcp_user_timeout=-1", "keepalives_count=99999999999"} {
		name, _, _ := strings.Cut(bad, "=")
		if _, err := Connector(dsn + " " + bad); err == nil || !strings.Contains(err.Error(), name+" is not a whole number from 0 to 2147483647") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	connector, err := Connector(dsn+" keepalives_idle=30", WithDialFunc(hidingDialer{}.DialContext))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connector.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "keepalives_idle, which cannot be set on a pgxv5.hiding") {
		t.Errorf("a dialer that hides its sockets: %v", err)
	}
	socket := pgserver.Shared(t).Socket().KeyValue("postgres")
	if connector, err = Connector(socket + " keepalives_idle=30 tcp_user_timeout=1000"); err != nil {
		t.Fatal(err)
	}
	c, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal("a Unix socket: ", err)
	}
	c.Close()
}

// hiding is a net.Conn that shows nothing of its socket.
type hiding struct{ net.Conn }

type hidingDialer struct{}

func (hidingDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return hiding{c}, err
}

func (d hidingDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d hidingDialer) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}
