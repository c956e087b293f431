package sqlpool

import "time"

// While connections are in use, what comes back serves the queue as well as
// what is dialed, and often sooner. So dials are spaced out then: one starts at
// once, the next when the first has had some time. A short rush is over before
// many have started: of 50 callers on 5 connections, with 2 ms queries and dials
// of 150 ms, 2 dials are left, where a pool that dials on demand makes 45.

const (
	// spacingOf is the part of a dial's length that lies between two starts.
	spacingOf = 8

	// dialSpacing is the most that lies between them, however long dials take.
	dialSpacing = 25 * time.Millisecond

	// lookSpacing is how long a dial waits for a connection that the sweep looks
	// at this moment. Nearly always that takes a microsecond.
	lookSpacing = 5 * time.Millisecond
)

// spacing is protected by Pool.mu.
type spacing struct {
	took  time.Duration // the last dial, or what matters of it
	last  int64         // when the last one started
	held  int64         // since when one is held back for what the sweep looks at; zero when none is
	armed bool          // the timer will look again
	timer *time.Timer
}

// spacedLocked reports whether a dial that is wanted may start now, and sees to
// it that it is thought of again when not.
func (p *Pool) spacedLocked() bool {
	s := &p.spacing
	now := p.now()
	left := s.last + int64(s.took/spacingOf) - now
	switch {
	case p.outage.failures > 0: // the backoff rules
	case p.looking > 0 && p.waiters.Len() <= p.looking && (s.held == 0 || now < s.held+int64(lookSpacing)):
		if s.held == 0 {
			s.held = now
		}
		s.arm(p, time.Duration(s.held+int64(lookSpacing)-now))
		return false
	case p.inUse == 0: // nothing can come back
	case p.dialing > 0 && left > 0:
		s.arm(p, time.Duration(left))
		return false
	}
	s.last, s.held = now, 0
	return true
}

func (s *spacing) arm(p *Pool, left time.Duration) {
	switch {
	case s.armed:
		return
	case s.timer == nil:
		s.timer = time.AfterFunc(left, p.dialSpaced)
	default:
		s.timer.Reset(left)
	}
	s.armed = true
}

func (p *Pool) dialSpaced() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spacing.armed = false
	p.dialMoreLocked()
}
