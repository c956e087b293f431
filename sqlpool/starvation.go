package sqlpool

import (
	"time"

	"github.com/sqlpool/go/sqlpool/internal/netpoll"
)

// Callers who hand a connection on and on, to a server so near that each reply is
// there before its reader would wait for it, keep a processor of the Go runtime
// busy, and only a processor without work polls the network. Meanwhile the replies
// on all other connections lie unread, for up to ten milliseconds.
//
// So after a stretch of nothing but short loans, the caller who is granted a
// connection next has the network polled before it goes on. The callers whose
// replies are found break up the stretch, in which client and server work hand in
// hand, and that costs processor time: so the stretch is an eighth of the time that
// callers wait for a connection anyhow, and those who wait long notice nothing of
// an unread reply. To a server that is further away no loan is short.
//
// A processor that has other work than the pool's does not poll even then, and the
// caller waits for nothing. Where that happens no more is asked for a while.
// docs/decisions/0016 has the figures.

const (
	// starvedAfter is the shortest stretch: some eight queries to a server on the
	// same machine.
	starvedAfter = 100 * time.Microsecond

	// unnoticed is how long callers must wait for a connection for an unread reply
	// not to matter.
	unnoticed = 2 * time.Millisecond

	// slowPolls is how long polls take, on the average of some sixteen, where the
	// processors have no time for them: five times the usual. One counts for
	// longestPoll at most, which is what the runtime's own monitor lets pass.
	slowPolls   = 2 * time.Millisecond
	longestPoll = 10 * time.Millisecond

	// pollRest is how long nobody asks for a poll then.
	pollRest = 10 * time.Second
)

// starvation is what the pool knows of unread replies. Pool.mu protects it.
type starvation struct {
	fedAt       int64 // when a loan ended that was no short one, or a caller was told to poll
	polledUntil int64 // when the last poll was over that counts in usual
	usual       int64 // how long polls take
	restUntil   int64
}

// dueLocked reports whether a caller who is granted a connection at now, after it
// has waited, is to have the network polled. held is how long the caller before
// had the connection.
func (s *starvation) dueLocked(now, held, waited int64) bool {
	stretch := max(int64(starvedAfter), waited/8)
	if held <= stretch && now-s.fedAt <= stretch {
		return false
	}
	s.fedAt = now
	return held <= stretch && waited <= int64(unnoticed) && now >= s.restUntil
}

// pollNetwork has the network polled for a caller who was granted a connection at
// granted.
func (p *Pool) pollNetwork(granted int64) {
	netpoll.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starvation.tookLocked(granted, p.now())
}

func (s *starvation) tookLocked(from, to int64) {
	if from < s.polledUntil {
		return // callers who poll at the same time are held up by the same
	}
	s.polledUntil = to
	s.usual += (min(to-from, int64(longestPoll)) - s.usual) / 16
	if s.usual > int64(slowPolls) {
		s.restUntil, s.usual = to+int64(pollRest), int64(slowPolls)/2
	}
}
