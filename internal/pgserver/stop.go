//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Mode is a way to stop the server.
type Mode syscall.Signal

const (
	// Fast ends all sessions with an error (57P01), rolls their transactions back and shuts down cleanly.
	Fast = Mode(syscall.SIGINT)
	// Immediate ends all processes without clean-up (57P01 or a broken connection at the client); the next start recovers.
	Immediate = Mode(syscall.SIGQUIT)
)

// Start starts a stopped or killed server again, on the same port and data, and returns when it accepts connections.
// Backends that a killed postmaster has left are killed first.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bootAgainLocked(ctx)
}

// bootAgainLocked boots the server on the port that it had. A process that is killed closes the log before the listening
// socket that it may have inherited a moment ago: on a busy machine the port is in use a little longer than the log tells.
func (s *Server) bootAgainLocked(ctx context.Context) error {
	for try := 0; ; try++ {
		err := s.bootLocked(ctx)
		if try == 10 || !errors.Is(err, errPortUsed) {
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Stop stops the server and returns when the last of its processes is gone. A paused server is resumed for that. Stopping
// a stopped server does nothing.
func (s *Server) Stop(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopLocked(ctx, mode)
}

// Restart stops the server and starts it again on the same port and data.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stopLocked(ctx, mode); err != nil {
		return err
	}
	return s.bootAgainLocked(ctx)
}

func (s *Server) stopLocked(ctx context.Context, mode Mode) error {
	if s.post.alive() {
		_ = s.signalAll(syscall.SIGCONT) // to end, a paused process has to run
		err := s.log.down(func() error { return syscall.Kill(s.post.pid, syscall.Signal(mode)) })
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("pgserver: stopping: %w", err)
		}
	}
	return s.clearLocked(ctx)
}

// Close ends the server at once and removes its folder. Closing twice does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchdog == nil {
		return nil
	}
	// A server that does not end within PostgreSQL's own 5 s for an immediate shutdown, generously, is killed.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.stopLocked(ctx, Immediate); err != nil && s.post != nil {
		_ = syscall.Kill(s.post.pid, syscall.SIGKILL)
		if err := s.clearLocked(context.Background()); err != nil {
			return err
		}
	}
	if err := s.watchdog.close(); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	s.watchdog = nil
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pgserver: %s could not be removed", s.dir)
	}
	return nil
}
