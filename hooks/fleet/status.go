package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Status is a membership at one instant.
type Status struct {
	Group string
	Limit int // the group's MaxConns
	Share int // what the member allows its pool; 1 before it has joined
	Want  int // what it would like to have
	Free  int // of the limit, at the last reading: no member has it or may take it without asking; negative above the limit

	Members []Member      // at the last reading, this one included, by ID; empty before it
	Read    time.Time     // the last reading; zero before it
	Fresh   bool          // the reading is recent enough to dial freely by it
	Crowded bool          // there are more members than connections: each has one
	Err     error         // why the last turn failed, or nil
	Every   time.Duration // Config.Interval
}

// Member is one pool of a group.
type Member struct {
	ID    uint32 // drawn when the pool starts
	Self  bool
	Open  int // connections that the server shows
	Share int // what the others count for it: the share, or what it has while it gives back
	Want  int
}

// Status returns the state of the membership. Before the pool has started it has the
// configuration only.
func (f *Fleet) Status() Status {
	s := Status{Group: f.cfg.Group, Limit: f.cfg.MaxConns, Every: f.cfg.Interval}
	p := f.pool.Load()
	if p == nil {
		return s
	}
	open := p.Stats().Open
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Group, s.Share, s.Want, s.Read, s.Err = f.group, f.grant.cap, f.wanted, f.readAt, f.err
	s.Fresh = recent(f.grant.verified, time.Now(), f.cfg.Interval*5/4)
	if f.readAt.IsZero() {
		return s
	}
	s.Members = append(s.Members, Member{ID: f.id, Self: true, Open: open, Share: max(f.grant.cap, open), Want: f.wanted})
	for _, other := range f.peers {
		s.Members = append(s.Members, Member{ID: other.id, Open: other.open, Share: other.counts, Want: other.want})
	}
	slices.SortFunc(s.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	s.Free = s.Limit
	for _, m := range s.Members {
		s.Free -= m.Share
	}
	s.Crowded = len(s.Members) > s.Limit
	return s
}

// Warning says what needs attention, and the error behind it. It is made for
// health.Config.Fleet; the text is empty when all is well.
func (f *Fleet) Warning() (what string, why error) {
	s := f.Status()
	switch {
	case s.Crowded:
		return fmt.Sprintf("fleet %q has %d members for %d connections: each has one, beyond the limit; run fewer processes or raise pool_fleet_max_conns",
			s.Group, len(s.Members), s.Limit), nil
	case s.Err != nil:
		return fmt.Sprintf("fleet %q cannot be read: the share of %d stays", s.Group, s.Share), s.Err
	}
	return "", nil
}
