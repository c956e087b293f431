package contract

import (
	"net"
	"syscall"
	"testing"
)

// SocketOptions reads the options of a socket back, by the names that libpq has for
// them.
func SocketOptions(t *testing.T, conn net.Conn) map[string]int {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	err = raw.Control(func(fd uintptr) {
		for name, at := range map[string][2]int{
			"keepalives":          {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
			"keepalives_idle":     {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
			"keepalives_interval": {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL},
			"keepalives_count":    {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
			"tcp_user_timeout":    {syscall.IPPROTO_TCP, 18},
		} {
			n, err := syscall.GetsockoptInt(int(fd), at[0], at[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			found[name] = n
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
