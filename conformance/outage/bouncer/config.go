//go:build unix

package bouncer

import (
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// settings in session mode: each client has a server connection of its own, so
// that any driver works in any mode. Clients are let in without a password.
const settings = `[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = session
max_client_conn = %d
default_pool_size = 100
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
`

func (b *Bouncer) configure(upstream int) error {
	users := filepath.Join(b.dir, "users.txt")
	if err := os.WriteFile(users, []byte("\"postgres\" \"\"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(b.config(), fmt.Appendf(nil, settings, upstream, b.port, users, b.clients), 0o644)
}

func (b *Bouncer) config() string { return filepath.Join(b.dir, "pgbouncer.ini") }

// freePort avoids the range that the kernel gives to outgoing connections: one
// of those could take the port while the bouncer is down.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + mrand.IntN(12000)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("bouncer: no free port between 20000 and 32000")
}

// unprivileged is who runs PgBouncer, which refuses root.
func unprivileged() (*syscall.Credential, error) {
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
	return nil, fmt.Errorf("bouncer: PgBouncer does not run as root, and there is no user postgres or nobody to run it as")
}
