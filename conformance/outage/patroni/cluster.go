//go:build unix

package patroni

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/sqlpool/go/conformance/outage/service"
)

//go:embed watchdog.sh
var watchdog string

// A Cluster is three PostgreSQL servers under Patroni, in synchronous mode. One
// goroutine at a time.
type Cluster struct {
	Nodes []*Node // three

	programs programs
	user     *syscall.Credential
	dir      string
	etcd     int // etcd's port

	leash io.Closer // closed, it has the watchdog end all, as this process's death does
	ended chan struct{}
}

// Start runs a cluster and returns when its leader has a synchronous standby. The
// caller closes it. The error is ErrNoProgram on a machine that lacks a program.
func Start(ctx context.Context) (*Cluster, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("patroni: the cluster needs Linux: its processes are found in /proc")
	}
	found, err := find(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{programs: found}
	if c.user, err = service.Unprivileged(); err != nil {
		return nil, err
	}
	// Not in TMPDIR, which another user may not reach, and whose name may be too long for a socket's.
	if c.dir, err = os.MkdirTemp("/tmp", "sqlpool-cluster-"); err != nil {
		return nil, fmt.Errorf("patroni: %w", err)
	}
	if err = c.own(c.dir); err == nil {
		err = c.guard()
	}
	if err == nil {
		err = c.up(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) own(path string) error {
	if c.user == nil {
		return nil
	}
	return os.Chown(path, int(c.user.Uid), int(c.user.Gid))
}

// guard starts the watchdog, before there is anything to end.
func (c *Cluster) guard() error {
	cmd := exec.Command("/bin/sh", "-c", watchdog, "watchdog", c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.user}
	cmd.Dir = "/"
	leash, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("patroni: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("patroni: starting the watchdog: %w", err)
	}
	c.leash, c.ended = leash, make(chan struct{})
	go func() { _ = cmd.Wait(); close(c.ended) }()
	return nil
}

func (c *Cluster) up(ctx context.Context) error {
	peers, err := service.FreePort()
	if err != nil {
		return err
	}
	if c.etcd, err = service.FreePort(); err != nil {
		return err
	}
	clients, peer := fmt.Sprintf("http://127.0.0.1:%d", c.etcd), fmt.Sprintf("http://127.0.0.1:%d", peers)
	if _, err := c.run("etcd", c.programs.etcd, "--name", "e", "--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", clients, "--advertise-client-urls", clients,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "e="+peer,
		"--unsafe-no-fsync", "--enable-v2"); err != nil {
		return err
	}
	if err := listens(ctx, c.etcd); err != nil {
		return fmt.Errorf("patroni: waiting for etcd: %w", err)
	}
	for i := range 3 {
		n := &Node{Name: "n" + strconv.Itoa(i+1), cluster: c}
		if n.port, err = service.FreePort(); err != nil {
			return err
		}
		if n.rest, err = service.FreePort(); err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, n)
		if err := c.configureNode(n); err != nil {
			return err
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return c.Whole(ctx)
}

// Close ends all processes and removes their folder.
func (c *Cluster) Close() error {
	if c.leash == nil {
		return os.RemoveAll(c.dir)
	}
	err := c.leash.Close()
	<-c.ended
	for _, n := range c.Nodes {
		if n.patroni != nil {
			_ = n.patroni.Wait()
		}
	}
	if _, there := os.Stat(c.dir); there == nil {
		err = errors.Join(err, fmt.Errorf("patroni: %s is still there", c.dir))
	}
	return err
}
