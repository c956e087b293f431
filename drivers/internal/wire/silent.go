package wire

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// SilentFor is how long a host that did not answer a dial in time is asked after all
// others. Its first caller has paid a whole timeout for it, and so would each next one
// while the host is away; half a minute later one of them asks it first again, as the
// order of the connection string wants.
const SilentFor = 30 * time.Second

// Silent remembers which of several hosts were silent. The zero value remembers
// none. Any goroutine.
type Silent struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Note remembers a host or an address.
func (s *Silent) Note(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	s.until[host] = time.Now().Add(SilentFor)
}

// Has reports whether a host was silent a short time ago.
func (s *Silent) Has(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[host]
	if ok && !time.Now().Before(until) {
		delete(s.until, host)
		ok = false
	}
	return ok
}

// Last returns all with those that are late at the end, in the order they have
// otherwise. It changes nothing in place.
func Last[T any](all []T, late func(T) bool) []T {
	var first, last []T
	for _, one := range all {
		if late(one) {
			last = append(last, one)
		} else {
			first = append(first, one)
		}
	}
	return slices.Concat(first, last)
}

// timedOut reports whether nothing came in time, which is not the end of a dial
// that its caller has given up.
func timedOut(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
