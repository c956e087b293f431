package wire

import (
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// TCP is what a connection string says about the client's sockets, by the names that
// libpq has for it (PostgreSQL manual, "Parameter Key Words"). Neither pgx nor lib/pq
// knows them: the server would be asked for them, and refuses each connection or, for
// tcp_user_timeout, changes its own side only.
type TCP struct {
	keepAlive   *net.KeepAliveConfig // nil: as the dialer has it
	userTimeout time.Duration        // 0: the system's
	names       []string             // the parameters that were given
}

// tcpNames are those parameters.
var tcpNames = []string{"keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"}

// TakeTCP takes these parameters out of those for the server, in place, and returns
// what they ask for; nil when there are none.
func TakeTCP(params map[string]string) (*TCP, error) {
	t := &TCP{}
	alive := net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1} // negative: left as it is
	for _, name := range tcpNames {
		text, ok := params[name]
		if !ok {
			continue
		}
		delete(params, name)
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%s is not a whole number from 0 to %d: write for example %s=30", name, uint64(1)<<31-1, name)
		}
		t.names = append(t.names, name)
		switch {
		case name == "keepalives":
			alive.Enable = n != 0
		case n == 0: // the system's default, as in libpq
		case name == "keepalives_count":
			alive.Count = int(n)
		case name == "keepalives_idle":
			alive.Idle = time.Duration(n) * time.Second
		case name == "keepalives_interval":
			alive.Interval = time.Duration(n) * time.Second
		case userTimeoutSupported:
			t.userTimeout = time.Duration(n) * time.Millisecond
		default:
			return nil, fmt.Errorf("tcp_user_timeout is not supported on %s, only on linux: take it out, and let pool_keepalive and the deadlines of "+
				"contexts find a server that is silent", runtime.GOOS)
		}
	}
	switch {
	case t.names == nil:
		return nil, nil
	case len(t.names) > 1 || t.names[0] != "tcp_user_timeout":
		t.keepAlive = &alive
	}
	return t, nil
}

// apply sets the options of a socket. Those of a Unix socket are ignored, as libpq
// does.
func (t *TCP) apply(raw net.Conn, network string) error {
	if t == nil || strings.HasPrefix(network, "unix") {
		return nil
	}
	if t.keepAlive != nil {
		c, ok := raw.(interface {
			SetKeepAliveConfig(net.KeepAliveConfig) error
		})
		if !ok {
			return t.hidden(raw)
		}
		if err := c.SetKeepAliveConfig(*t.keepAlive); err != nil {
			return fmt.Errorf("setting %s: %w", strings.Join(t.names, ", "), err)
		}
	}
	if t.userTimeout != 0 {
		c, ok := raw.(syscall.Conn)
		if !ok {
			return t.hidden(raw)
		}
		if err := setUserTimeout(c, t.userTimeout); err != nil {
			return fmt.Errorf("setting tcp_user_timeout: %w", err)
		}
	}
	return nil
}

func (t *TCP) hidden(raw net.Conn) error {
	return fmt.Errorf("the connection string has %s, which cannot be set on a %T: it does not show its socket; take them out and set the options where the "+
		"dialer opens the socket", strings.Join(t.names, ", "), raw)
}
