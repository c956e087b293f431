//go:build unix

package patroni

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/sqlpool/go/internal/pgserver"
)

// A Node is one server and its Patroni.
type Node struct {
	Name    string
	cluster *Cluster
	port    int // PostgreSQL's
	rest    int // Patroni's
	patroni *exec.Cmd
	frozen  []int // the processes that are stopped
}

// Endpoint is how clients reach its server.
func (n *Node) Endpoint() pgserver.Endpoint {
	return pgserver.Endpoint{Host: "127.0.0.1", Port: n.port, User: "postgres"}.With("sslmode", "disable")
}

// Console asks its server questions in SQL.
func (n *Node) Console(database string) *pgserver.Console {
	return pgserver.NewConsole(n.Endpoint().With("connect_timeout", "2").URL(database))
}

// Recovering reports whether its server is a standby.
func (n *Node) Recovering(ctx context.Context) (bool, error) {
	rows, err := n.Console("postgres").Query(ctx, "SELECT pg_is_in_recovery()")
	return err == nil && rows[0][0] == "t", err
}

// Start runs its Patroni, which starts the server.
func (n *Node) Start() (err error) {
	n.patroni, err = n.cluster.run(n.Name, n.cluster.programs.patroni, n.config())
	return err
}

func (n *Node) config() string { return filepath.Join(n.cluster.dir, n.Name+".yml") }

// KillPatroni ends its Patroni with SIGKILL.
func (n *Node) KillPatroni() error {
	if err := n.patroni.Process.Kill(); err != nil {
		return fmt.Errorf("patroni: kill -9 of the Patroni of %s: %w", n.Name, err)
	}
	_ = n.patroni.Wait()
	return nil
}

// KillPostmaster ends the server's first process with SIGKILL.
func (n *Node) KillPostmaster() error {
	pid, err := n.postmaster()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("patroni: kill -9 of the postmaster of %s: %w", n.Name, err)
	}
	return nil
}

// Freeze stops its Patroni and all processes of its server (SIGSTOP): the kernel
// still completes connections to it, which then hear nothing.
func (n *Node) Freeze() error {
	pid, err := n.postmaster()
	if err != nil {
		return err
	}
	// The postmaster first: stopped, it starts no process that the list lacks.
	for _, pid := range []int{n.patroni.Process.Pid, pid} {
		if err := n.stop(pid); err != nil {
			return err
		}
	}
	for _, child := range children(pid) {
		if err := n.stop(child); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) stop(pid int) error {
	err := syscall.Kill(pid, syscall.SIGSTOP)
	if errors.Is(err, syscall.ESRCH) {
		return nil // a session that has ended
	}
	if err != nil {
		return fmt.Errorf("patroni: SIGSTOP of %d: %w", pid, err)
	}
	n.frozen = append(n.frozen, pid)
	return nil
}

// Thaw ends a Freeze.
func (n *Node) Thaw() error {
	var errs []error
	for _, pid := range n.frozen {
		errs = append(errs, syscall.Kill(pid, syscall.SIGCONT))
	}
	n.frozen = nil
	return errors.Join(errs...)
}

func (n *Node) postmaster() (int, error) {
	text, err := os.ReadFile(filepath.Join(n.cluster.dir, n.Name, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("patroni: the server of %s does not run: %w", n.Name, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(line)
}

// children lists the processes that a process has started.
func children(parent int) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name may have spaces and stands in parentheses; the state and the parent follow.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && string(fields[1]) == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}
