package slogger

import (
	"sync"
	"time"
)

// mostKinds bounds what repeats remembers: error texts may hold anything.
const mostKinds = 256

// repeats lets the same thing through once in a while and counts the rest.
type repeats struct {
	every time.Duration

	mu   sync.Mutex
	seen map[string]*repeated
}

type repeated struct {
	at         time.Time // when it was last let through
	suppressed int       // since then
}

// allow reports whether the thing may be logged now, and how often it was not
// since the last time.
func (r *repeats) allow(thing string) (suppressed int, ok bool) {
	if r.every < 0 {
		return 0, true
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || len(r.seen) >= mostKinds {
		r.seen = make(map[string]*repeated)
	}
	s := r.seen[thing]
	if s == nil {
		r.seen[thing] = &repeated{at: now}
		return 0, true
	}
	if now.Sub(s.at) < r.every {
		s.suppressed++
		return 0, false
	}
	suppressed = s.suppressed
	s.at, s.suppressed = now, 0
	return suppressed, true
}
