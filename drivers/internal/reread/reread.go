// Package reread reads a connection string again at each dial, because what it names
// may have changed since: passfile, service file, certificate and key are rotated
// while a program runs.
package reread

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Patience is how long a dial waits for the files. A file system that hangs, as a
// network's may, costs the first dials this, and later ones nothing until it answers.
const Patience = time.Second

var errSlow = errors.New("the files were not read within " + Patience.String())

// A Source is a configuration that may be read again. Any goroutine.
type Source[C any] struct {
	read func() (C, error)
	env  map[string]string

	mu      sync.Mutex // nothing is read while it is held
	last    C          // the last one that could be read
	reading *reading   // the one that is under way; nil: none
}

type reading struct {
	since time.Time
	done  chan struct{} // closed when err is set
	err   error
}

// New returns the source of what read returns, which has returned first just now.
func New[C any](first C, read func() (C, error)) *Source[C] {
	return &Source[C]{read: read, env: environment(), last: first}
}

// Latest returns the configuration as it is now. If it cannot be read, because a file
// is being replaced or was taken away, because ctx ends or the files do not come within
// Patience, it is the last one that could, and the error says why: a driver that reads
// once goes on too. The same holds once the process has changed its PG* variables: a
// program that takes PGPASSWORD out of its environment after the start still wants to
// connect where it did. The caller must not change what C points to.
func (s *Source[C]) Latest(ctx context.Context) (C, error) {
	if changed := s.changed(); changed != nil {
		return s.Last(), fmt.Errorf("the environment has changed since the start (%s), so the files are not read any more", strings.Join(changed, ", "))
	}
	for begin := time.Now(); ; {
		r := s.start()
		limit := time.NewTimer(time.Until(r.since.Add(Patience)))
		select {
		case <-r.done:
			limit.Stop()
			// One that began earlier may have read a file before it was replaced.
			if !r.since.Before(begin) {
				return s.Last(), r.err
			}
		case <-limit.C:
			return s.Last(), errSlow
		case <-ctx.Done():
			limit.Stop()
			return s.Last(), context.Cause(ctx)
		}
	}
}

// start returns the reading that is under way, or begins one. There is never more than
// one, however many dials wait for a file that hangs.
func (s *Source[C]) start() *reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading != nil {
		return s.reading
	}
	r := &reading{since: time.Now(), done: make(chan struct{})}
	s.reading = r
	go func() {
		latest, err := s.read()
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.last = latest
		}
		r.err, s.reading = err, nil
		close(r.done)
	}()
	return r
}

// Last returns what Latest returned last, or the first one.
func (s *Source[C]) Last() C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// changed returns the names of the variables that are not as they were.
func (s *Source[C]) changed() []string {
	now, names := environment(), map[string]bool{}
	for _, env := range []map[string]string{s.env, now} {
		for name := range env {
			if before, ok := s.env[name]; !ok || before != now[name] {
				names[name] = true
			} else if _, ok := now[name]; !ok {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// environment is what the drivers read of it.
func environment() map[string]string {
	env := map[string]string{}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "SSLPG") || name == "HOME" || name == "USERPROFILE" || name == "APPDATA" {
			env[name] = value
		}
	}
	return env
}
