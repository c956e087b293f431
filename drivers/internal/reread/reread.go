// Package reread reads a connection string again at each dial, because what it names
// may have changed since: passfile, service file, certificate and key are rotated
// while a program runs.
package reread

import (
	"os"
	"slices"
	"strings"
	"sync"
)

// A Source is a configuration that may be read again. Any goroutine.
type Source[C any] struct {
	read func() (C, error)
	env  []string

	mu   sync.Mutex
	last C // the last one that could be read
}

// New returns the source of what read returns, which has returned first just now.
func New[C any](first C, read func() (C, error)) *Source[C] {
	return &Source[C]{read: read, env: environment(), last: first}
}

// Latest returns the configuration as it is now. If it cannot be read, because a file
// is being replaced or was taken away, it is the last one that could, and the error
// says why: a driver that reads once goes on too. The same holds, without an error,
// once the process has changed its PG* variables: a program that takes PGPASSWORD out
// of its environment after the start still wants to connect where it did. The caller
// must not change what C points to.
func (s *Source[C]) Latest() (C, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.env, environment()) {
		return s.last, nil
	}
	latest, err := s.read()
	if err == nil {
		s.last = latest
	}
	return s.last, err
}

// Last returns what Latest returned last, or the first one.
func (s *Source[C]) Last() C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// environment is what the drivers read of it.
func environment() []string {
	all := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "SSLPG") && !strings.HasPrefix(v, "HOME=") &&
			!strings.HasPrefix(v, "USERPROFILE=") && !strings.HasPrefix(v, "APPDATA=")
	})
	slices.Sort(all)
	return all
}
