//go:build unix

package targets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// bouncer is a private PgBouncer in transaction mode. It ends with this process.
type bouncer struct {
	port  int
	dir   string
	leash io.Closer
	ended chan struct{}
}

const bouncerSettings = `[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
max_client_conn = 200
default_pool_size = 50
ignore_startup_parameters = extra_float_digits
`

// leashed runs a program that ends when the standard input of the shell does.
const leashed = `"$@" </dev/null >/dev/null 2>&1 & read _; kill -9 $!; wait`

func startBouncer(ctx context.Context, upstream int) (*bouncer, error) {
	program, err := findBouncer()
	if err != nil {
		return nil, err
	}
	b := &bouncer{port: 20000 + rand.IntN(12000), ended: make(chan struct{})} // below the kernel's own range
	if b.dir, err = os.MkdirTemp("", "sqlpool-bouncer-"); err != nil {
		return nil, err
	}
	users, config := filepath.Join(b.dir, "users.txt"), filepath.Join(b.dir, "pgbouncer.ini")
	err = errors.Join(
		os.Chmod(b.dir, 0o755), // it runs as another user
		os.WriteFile(users, []byte("\"postgres\" \"\"\n"), 0o644),
		os.WriteFile(config, fmt.Appendf(nil, bouncerSettings, upstream, b.port, users), 0o644),
	)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	cmd := exec.Command("sh", "-c", leashed, "sh", program, config)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: unprivileged()}
	if b.leash, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	go func() {
		_ = cmd.Wait()
		close(b.ended)
	}()
	return b, b.ready(ctx)
}

// ready returns when it listens.
func (b *bouncer) ready(ctx context.Context) error {
	for {
		c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)))
		if err == nil {
			return c.Close()
		}
		select {
		case <-b.ended:
			return errors.New("PgBouncer has ended at once")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), b.close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (b *bouncer) close() error {
	err := b.leash.Close()
	<-b.ended
	return errors.Join(err, os.RemoveAll(b.dir))
}

func findBouncer() (string, error) {
	names := []string{"pgbouncer", "/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"}
	if named := os.Getenv("SQLPOOL_PGBOUNCER"); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no PgBouncer on this machine: scripts/pgbouncer installs it, SQLPOOL_PGBOUNCER names one")
}

// unprivileged is the account that runs PgBouncer, which refuses root.
func unprivileged() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(found.Uid, 10, 32)
			gid, _ := strconv.ParseUint(found.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}
