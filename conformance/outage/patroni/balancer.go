//go:build unix

package patroni

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/sqlpool/go/conformance/outage/service"
)

// A Balancer is one way that HAProxy leads to the leader.
type Balancer struct {
	// Cuts has HAProxy close the sessions of a server that is no longer the leader
	// (on-marked-down shutdown-sessions), as Patroni's example does.
	Cuts bool

	// Checks are how often it asks each Patroni, and how many answers it believes.
	Checks string
}

// Balance starts an HAProxy that leads to the leader, and returns when it does: its
// port and how to end it.
func (c *Cluster) Balance(ctx context.Context, b Balancer) (port int, end func() error, err error) {
	if port, err = service.FreePort(); err != nil {
		return 0, nil, err
	}
	name := fmt.Sprintf("haproxy-%d", port)
	file := filepath.Join(c.dir, name+".cfg")
	if err := os.WriteFile(file, []byte(c.balancerSettings(b, filepath.Join(c.dir, name+".sock"), port)), 0o644); err != nil {
		return 0, nil, fmt.Errorf("patroni: %w", err)
	}
	cmd, err := c.run(name, c.programs.haproxy, "-db", "-f", file)
	if err != nil {
		return 0, nil, err
	}
	end = func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	if err := c.decided(ctx, name); err != nil {
		return 0, nil, errors.Join(fmt.Errorf("patroni: waiting for HAProxy: %w", err), end())
	}
	return port, end, nil
}

// decided returns when an HAProxy has found all nodes but one not to lead. Until its
// first checks it takes all of them for the leader, in turn.
func (c *Cluster) decided(ctx context.Context, name string) error {
	for {
		status, err := c.status(name)
		if err == nil && strings.Count(status, ",DOWN,") == len(c.Nodes)-1 && strings.Count(status, ",UP,") == 1 {
			return nil
		}
		if over := pause(ctx); over != nil {
			return errors.Join(over, err)
		}
	}
}

// status is what an HAProxy says of its servers (show stat), as CSV.
func (c *Cluster) status(name string) (string, error) {
	socket, err := net.Dial("unix", filepath.Join(c.dir, name+".sock"))
	if err != nil {
		return "", err
	}
	defer socket.Close()
	if _, err := io.WriteString(socket, "show stat -1 4 -1\n"); err != nil { // 4: servers
		return "", err
	}
	text, err := io.ReadAll(socket)
	return string(text), err
}

const balancerHead = `global
  maxconn 900
  stats socket %s level user
defaults
  mode tcp
  retries 2
  timeout client 30m
  timeout connect 2s
  timeout server 30m
  timeout check 2s
listen leader
  bind 127.0.0.1:%d
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server %s%s
`

func (c *Cluster) balancerSettings(b Balancer, socket string, port int) string {
	cuts := ""
	if b.Cuts {
		cuts = " on-marked-down shutdown-sessions"
	}
	var text strings.Builder
	fmt.Fprintf(&text, balancerHead, socket, port, b.Checks, cuts)
	for _, n := range c.Nodes {
		fmt.Fprintf(&text, "  server %s 127.0.0.1:%d maxconn 200 check port %d\n", n.Name, n.port, n.rest)
	}
	return text.String()
}
