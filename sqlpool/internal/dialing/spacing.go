package dialing

import "time"

// While connections are in use, what comes back serves the queue as well as
// what is dialed, and often sooner. So dials are spaced out then: one starts at
// once, the next when the first has had some time. A short rush is over before
// many have started: of 50 callers on 5 connections, with 2 ms queries and dials
// of 150 ms, 2 dials are left, where a pool that dials on demand makes 45.

const (
	// spacingOf is the part of a dial's length that lies between two starts.
	spacingOf = 8

	// maxSpacing is the most that lies between them, however long dials take.
	maxSpacing = 25 * time.Millisecond

	// lookSpacing is how long a dial waits for a connection that is looked at
	// at this moment. Nearly always that takes a microsecond.
	lookSpacing = int64(5 * time.Millisecond)
)

type spacing struct {
	took time.Duration // the last dial, or what matters of it
	last int64         // when the last one started
	held int64         // since when one is held back for what is looked at; zero when none is
}

// next is when a dial that is wanted may start.
func (s *spacing) next(now int64, n Need, dialing int) int64 {
	if n.Looking == 0 || n.Waiting > n.Looking {
		s.held = 0
	} else {
		if s.held == 0 {
			s.held = now
		}
		if at := s.held + lookSpacing; now < at {
			return at
		}
	}
	if n.InUse == 0 || dialing == 0 { // nothing can come back, or nothing is on its way
		return now
	}
	return max(now, s.last+int64(s.took/spacingOf))
}

func (s *spacing) started(now int64) { s.last, s.held = now, 0 }
