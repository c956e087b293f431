//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

var errNotRunning = errors.New("pgserver: the server is not running")

// KillPostmaster ends the server's first process with SIGKILL and returns when it is gone. As in life, idle backends notice
// and end by themselves, busy ones finish what they do; [Server.Start] (or [Server.Close]) kills those that are left.
func (s *Server) KillPostmaster() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.post.alive() {
		return errNotRunning
	}
	if err := s.log.down(func() error { return syscall.Kill(s.post.pid, syscall.SIGKILL) }); err != nil {
		return fmt.Errorf("pgserver: kill -9 of the postmaster: %w", err)
	}
	<-s.post.exited
	return nil
}

// KillBackend ends one backend with SIGKILL. PostgreSQL then ends all its backends, because shared memory may be damaged,
// and recovers; [Server.WaitReady] waits for the end of that. To end one session only, use [Console.Terminate].
func (s *Server) KillBackend(pid int) error { return s.killBackends(pid) }

// KillAllBackends ends every client's backend with SIGKILL at the same moment; then see [Server.KillBackend].
func (s *Server) KillAllBackends(ctx context.Context) error {
	sessions, err := s.Activity(ctx)
	if err != nil {
		return err
	}
	var pids []int
	for _, session := range sessions {
		pids = append(pids, session.PID)
	}
	return s.killBackends(pids...)
}

func (s *Server) killBackends(pids ...int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.post.alive() {
		return errNotRunning
	}
	// A postmaster that sees the first die would start over, and the second kill might hit a stranger.
	_ = syscall.Kill(s.post.pid, syscall.SIGSTOP)
	defer func() { _ = syscall.Kill(s.post.pid, syscall.SIGCONT) }()
	ours := map[int]bool{}
	for _, pid := range s.processes() {
		ours[pid] = pid != s.post.pid
	}
	for _, pid := range pids {
		if !ours[pid] {
			return fmt.Errorf("pgserver: %d is not a backend of this server", pid)
		}
		// SIGKILL to one that has just ended by itself succeeds, and PostgreSQL sees nothing to recover from.
		if !freeze(pid) {
			return fmt.Errorf("pgserver: backend %d has ended by itself", pid)
		}
		if err := s.log.down(func() error { return syscall.Kill(pid, syscall.SIGKILL) }); err != nil {
			return fmt.Errorf("pgserver: kill -9 of backend %d: %w", pid, err)
		}
	}
	return nil
}

// WaitReady returns when the server accepts connections (again), going by its own log, or when it has ended.
func (s *Server) WaitReady(ctx context.Context) error {
	s.mu.Lock()
	post := s.post
	s.mu.Unlock()
	if post == nil {
		return errNotRunning
	}
	if err := s.log.wait(ctx, post.exited, func() bool { return s.log.ready }); err != nil {
		return fmt.Errorf("pgserver: waiting for the server: %w", err)
	}
	return nil
}

// Pause freezes the postmaster and all backends (SIGSTOP). The kernel still completes TCP connections on their behalf; they
// just never hear an answer. No question can be asked to a paused server.
func (s *Server) Pause() error { return s.signalRunning(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.signalRunning(syscall.SIGCONT) }

func (s *Server) signalRunning(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.post.alive() {
		return errNotRunning
	}
	return s.signalAll(sig)
}

// signalAll signals the postmaster first: stopped, it starts no process that the list would lack.
func (s *Server) signalAll(sig syscall.Signal) error {
	if err := syscall.Kill(s.post.pid, sig); err != nil {
		return fmt.Errorf("pgserver: %v to the postmaster: %w", sig, err)
	}
	for _, pid := range s.processes() {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("pgserver: %v to process %d: %w", sig, pid, err)
		}
	}
	return nil
}
