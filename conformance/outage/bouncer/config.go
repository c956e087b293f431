//go:build unix

package bouncer

import (
	"fmt"
	"os"
	"path/filepath"
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
