package wire

import (
	"os"
	"syscall"
	"time"
)

const userTimeoutSupported = true

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, in milliseconds (tcp(7)), which
// package syscall has not.
const tcpUserTimeout = 18

func setUserTimeout(c syscall.Conn, d time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := raw.Control(func(fd uintptr) {
		set = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds())))
	}); err != nil {
		return err
	}
	return set
}
