package fleet

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Status is a group at one instant, as one of its members, or Look, has read it.
type Status struct {
	Group string `json:"group"`
	Limit int    `json:"limit"` // the group's MaxConns
	Share int    `json:"share"` // what the member allows its pool; 1 before it has joined
	Want  int    `json:"want"`  // what it would like to have
	Free  int    `json:"free"`  // of the limit, at the last reading: no member has it or may take it without asking; negative above the limit

	Members []Member      `json:"members"` // at the last reading, this one included, by ID; empty before it
	Read    time.Time     `json:"read"`    // the last reading; zero before it
	Fresh   bool          `json:"fresh"`   // the reading is recent enough to dial freely by it
	Crowded bool          `json:"crowded"` // there are more members than connections: each has one
	Err     error         `json:"-"`       // why the last turn failed, or nil
	Every   time.Duration `json:"-"`       // Config.Interval
}

// Member is one pool of a group.
type Member struct {
	ID    uint32 `json:"id"` // drawn when the pool starts
	Self  bool   `json:"self,omitempty"`
	Open  int    `json:"open"`  // connections that the server shows
	Share int    `json:"share"` // what the others count for it: the share, or what it has while it gives back
	Want  int    `json:"want"`  // above Share, it has asked for more
}

// Status returns the state of the membership. Before the pool has started it has the
// configuration only.
func (f *Fleet) Status() Status {
	s := Status{Group: f.cfg.Group, Limit: f.cfg.MaxConns, Every: f.cfg.Interval, Members: []Member{}}
	p := f.pool.Load()
	if p == nil {
		return s
	}
	open := p.Stats().Open
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Group, s.Share, s.Want, s.Read, s.Err = f.group, f.grant.cap, f.wanted, f.readAt, f.err
	s.Fresh = f.grant.fresh(time.Now())
	if !f.readAt.IsZero() {
		s.Members = append(s.Members, Member{ID: f.id, Self: true, Open: open, Share: max(f.grant.cap, open), Want: f.wanted})
		s.add(f.peers)
	}
	return s
}

// Look reads the group through a database that need not be the pool's, for a program
// that wants to know of the group and is no member: no member is Self. The Fleet need not
// have a pool, but then its Config must have the Group.
func (f *Fleet) Look(ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}) (Status, error) {
	s := f.Status()
	s.Share, s.Want, s.Fresh, s.Err, s.Members = 0, 0, false, nil, []Member{}
	if s.Group == "" {
		return s, errors.New("fleet: the group has no name: give Config.Group, because there is no pool to take it from")
	}
	answer, err := db.QueryContext(ctx, classesOf(s.Group).query(f.cfg.AllDatabases))
	if err != nil {
		return s, fmt.Errorf("fleet: group %q cannot be read: %w", s.Group, err)
	}
	defer func() { _ = answer.Close() }()
	var rows []row
	for answer.Next() {
		var text [4]any
		if err := answer.Scan(&text[0], &text[1], &text[2], &text[3]); err != nil {
			return s, fmt.Errorf("fleet: group %q cannot be read: %w", s.Group, err)
		}
		r, _, err := rowOf(text[:])
		if err != nil {
			return s, err
		}
		rows = append(rows, r)
	}
	if err := answer.Err(); err != nil {
		return s, fmt.Errorf("fleet: group %q cannot be read: %w", s.Group, err)
	}
	s.Read = time.Now()
	stranger := newMember(0, s.Limit, s.Limit, s.Every)
	stranger.observe(rows, s.Read)
	s.add(stranger.peers)
	return s, nil
}

// add takes in the other members, and adds up.
func (s *Status) add(peers []peer) {
	for _, other := range peers {
		s.Members = append(s.Members, Member{ID: other.id, Open: other.open, Share: other.counts, Want: other.want})
	}
	slices.SortFunc(s.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	s.Free = s.Limit
	for _, m := range s.Members {
		s.Free -= m.Share
	}
	s.Crowded = len(s.Members) > s.Limit
}

// Warning says what needs attention, and the error behind it. It is made for
// health.Config.Fleet; the text is empty when all is well.
func (f *Fleet) Warning() (what string, why error) {
	s := f.Status()
	switch {
	case s.Crowded:
		return fmt.Sprintf("fleet %q has %d members for %d connections: each has one, beyond the limit; run fewer processes or raise pool_fleet_max_conns",
			s.Group, len(s.Members), s.Limit), nil
	case errors.Is(s.Err, errFull):
		return fmt.Sprintf("fleet %q has all of its %d connections: this process waits until the others have made room for it", s.Group, s.Limit), nil
	case s.Err != nil:
		return fmt.Sprintf("fleet %q cannot be read: the share of %d stays", s.Group, s.Share), s.Err
	}
	return "", nil
}
