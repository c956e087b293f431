package sqlpool

import (
	"time"

	"github.com/sqlpool/go/sqlpool/internal/netpoll"
)

// Callers who hand a connection on and on, to a server so near that each reply is
// there before its reader would wait for it, keep a processor of the Go runtime
// busy, and only a processor without work looks at the network. Meanwhile the
// replies on all other connections lie unread, for up to ten milliseconds.
//
// So after a stretch of nothing but short loans, the caller who is granted a
// connection next has the network looked at before it goes on. The callers whose
// replies that finds break up the stretch, in which client and server work hand in
// hand, and that costs processor time: so the stretch is an eighth of the time that
// callers wait for a connection anyhow, and never shorter than starvedAfter. To a
// server that is further away loans are longer, and nothing starves.
//
// A processor that has other work than the pool's does not look even then, and the
// caller waits for nothing. Where that happens no more is asked for a while.
// docs/decisions/0016 has the figures.

const (
	// starvedAfter is some eight queries to a server on the same machine.
	starvedAfter = 100 * time.Microsecond

	// slowLook is a look that the processors had no time for: twenty times the
	// usual, and half of what the runtime's own monitor lets pass between two.
	slowLook = 5 * time.Millisecond

	// lookRest is how long nobody looks after two slow looks in a row.
	lookRest = 10 * time.Second
)

// starvation is what the pool knows of unread replies. Pool.mu protects it.
type starvation struct {
	fedAt     int64 // when a loan ended that was no short one, or the network was looked at
	slow      bool  // the last look was
	restUntil int64
}

// dueLocked reports whether a caller who is granted a connection at now, after it
// has waited, is to have the network looked at. held is how long the caller before
// had the connection.
func (s *starvation) dueLocked(now, held, waited int64) bool {
	stretch := max(int64(starvedAfter), waited/8)
	if held <= stretch && now-s.fedAt <= stretch {
		return false
	}
	s.fedAt = now
	return held <= stretch && now >= s.restUntil
}

// pollNetwork has the network looked at for a caller who was granted a connection at
// granted.
func (p *Pool) pollNetwork(granted int64) {
	netpoll.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starvation.tookLocked(granted, p.now())
}

func (s *starvation) tookLocked(from, to int64) {
	slow := to-from > int64(slowLook)
	if slow && s.slow {
		s.restUntil = to + int64(lookRest)
	}
	s.slow = slow
}
