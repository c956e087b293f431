//go:build unix

// Package service has what the laboratory's private programs have in common: the
// user that they run as, and ports of their own.
package service

import (
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// FreePort returns a loopback port that is free now. It avoids the range that the
// kernel gives to outgoing connections: one of those could take the port while
// its program is down.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + mrand.IntN(12000)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("outage: no free port between 20000 and 32000")
}

// Unprivileged is the user that runs programs which refuse root; nil is this
// process's own, when that is not root.
func Unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(found.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid > 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("outage: some programs do not run as root, and there is no user postgres or nobody to run them as")
}
