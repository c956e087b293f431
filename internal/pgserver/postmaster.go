//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

var (
	errGone     = errors.New("the server ended")
	errPortUsed = errors.New("the port is in use")
)

// postmaster is one life of the server.
type postmaster struct {
	pid    int
	exited chan struct{} // closed when the postmaster itself has ended
	silent chan struct{} // closed at the end of its log: the last of its processes has ended
}

func (p *postmaster) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// launch starts the server's first process; whether it becomes a server is in the log.
func (s *Server) launch() (*postmaster, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	cmd := s.account.prepare(exec.Command(s.programs.path("postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port)))
	cmd.Dir = s.dir
	cmd.Stderr = write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, fmt.Errorf("pgserver: starting postgres: %w", err)
	}
	p := &postmaster{pid: cmd.Process.Pid, exited: make(chan struct{}), silent: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // why it ended is in the log
		close(p.exited)
	}()
	go func() {
		s.log.read(read)
		_ = read.Close()
		close(p.silent)
	}()
	return p, nil
}

// bootLocked launches the server on its port and waits until it accepts connections.
func (s *Server) bootLocked(ctx context.Context) error {
	if s.post.alive() {
		return errors.New("pgserver: the server is already running")
	}
	if err := s.clearLocked(ctx); err != nil {
		return err
	}
	start := s.log.next()
	_ = s.log.down(nil)
	post, err := s.launch()
	if err != nil {
		return err
	}
	s.post = post
	err = s.log.wait(ctx, post.exited, func() bool { return s.log.ready })
	if err == nil {
		return nil
	}
	_ = syscall.Kill(post.pid, syscall.SIGKILL)
	if cleared := s.clearLocked(context.WithoutCancel(ctx)); cleared != nil {
		return cleared
	}
	said := s.log.since(start)
	for _, e := range said {
		if strings.HasPrefix(e.Message, "could not bind") && strings.Contains(e.Message, "in use") {
			err = errPortUsed
		}
	}
	return fmt.Errorf("pgserver: starting postgres on port %d: %w; it said:\n%s", s.port, err, lines(said))
}

// clearLocked ends what a dead postmaster has left running and waits for the last process to be gone. Without that the
// next one refuses: "pre-existing shared memory block is still in use".
func (s *Server) clearLocked(ctx context.Context) error {
	if s.post == nil {
		return nil
	}
	select {
	case <-s.post.exited:
	case <-ctx.Done():
		return fmt.Errorf("pgserver: waiting for postgres to end: %w", context.Cause(ctx))
	}
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	select {
	case <-s.post.silent:
		s.post = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pgserver: waiting for the last backend to end: %w", context.Cause(ctx))
	}
}

// down notes that the server is about to be unable to serve, in one step with the act that makes it so.
func (l *serverLog) down(act func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if act != nil {
		if err := act(); err != nil {
			return err
		}
	}
	l.ready = false
	return nil
}

func lines(entries []Entry) string {
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&text, "\t%s: %s\n", e.Severity, e.Message)
	}
	return text.String()
}
