package fleet

import (
	"context"
	"errors"
	"time"
)

// A session is one connection of a member, as far as the protocol uses it. Its methods
// wait for the server.
type session interface {
	// began is when the connection was dialed.
	began() time.Time

	// dialing reports whether the pool still counts the connection as being dialed.
	dialing() bool

	// read returns all members of the group at one instant, this one included.
	read(ctx context.Context) ([]row, error)

	// publish holds the publication's locks on this session, and lets go of what the
	// session held before.
	publish(ctx context.Context, p publication) error
}

// A local is the member's pool.
type local interface {
	open() (all, dialing int) // connections: idle, lent, being dialed and being closed
	want() int                // how many it would like to have

	// limit bounds the pool by the grant, of which so many are taken already by sessions
	// that the pool has given up: it dials no more, and closes what is above as soon as it
	// can. One of those being dialed has taken its turn if read is set.
	limit(g grant, lost int, read bool)
}

// A member is one pool's part in the protocol. It has no lock of its own and no
// connection: one turn at a time is run by its owner, on any session that is free.
//
// What holds at every instant: the connections that a member has never exceed the cap
// of its newest publication, and a cap was raised only by a member that published the
// new one first and then read that all together fit. Of two members that raise at
// once, at least the one that reads later sees the other one's.
//
// Time comes in where publications vanish with their sessions (a restart, an operator
// who ends sessions). A member relies on its publication for a lease after the last
// reading that showed it; beyond that it dials one connection at a time and reads
// before the next. The others count what has vanished for hold, which is longer; and a
// newcomer, which does not know what vanished before it came, does not grow within
// hold.
type member struct {
	id       uint32
	max      int // the group's limit
	most     int // the pool's own
	interval time.Duration
	now      func() time.Time

	cap       int         // what it allows itself
	published publication // the newest
	shown     uint32      // the sequence number of its own newest publication in the last reading
	firm      int         // cap before the last raise
	raised    time.Time   // the last raise
	since     time.Time   // it came, or came back after all its sessions had been lost
	verified  time.Time   // the last reading that showed its newest publication began
	hurry     bool        // the next turn should come soon
	due       int         // what it needs and should have

	peers  []peer // of the last reading
	readAt time.Time
	turns  uint64
	known  map[uint32]acquaintance
}

// An acquaintance is a peer that published once.
type acquaintance struct {
	peer
	seq  uint32
	turn uint64    // the last reading that had it
	gone time.Time // the first reading without its publication; zero while it is there
}

func newMember(id uint32, limit, most int, interval time.Duration) *member {
	return &member{
		id: id, max: limit, most: most, interval: interval, now: time.Now,
		cap: 1, firm: 1, known: map[uint32]acquaintance{},
	}
}

func (m *member) lease() time.Duration { return m.interval * 5 / 4 }
func (m *member) hold() time.Duration  { return m.interval * 2 }

// fresh reports whether the member may rely on its publication.
func (m *member) fresh(now time.Time) bool { return recent(m.verified, now, m.lease()) }

// young reports whether the member came a short time ago.
func (m *member) young(now time.Time) bool { return recent(m.since, now, m.hold()) }

// recent goes by both clocks: the monotonic one stands still while a machine sleeps.
func recent(at, now time.Time, d time.Duration) bool {
	wall := now.Round(0).Sub(at.Round(0))
	return !at.IsZero() && now.Sub(at) < d && wall < d && wall > -d
}

// A grant is what a member's last turn allows its pool. It is a value, so that the pool
// can be bounded by it between two turns.
type grant struct {
	cap      int       // the most
	firm     int       // of that, what it had before the last raise
	raised   time.Time // the last raise
	verified time.Time // as member's
	interval time.Duration
}

// bound is how many connections the pool may have at present, of which open exist and
// so many are being dialed without a reading yet. What all members know of it may dial
// freely. Else, after a raise that the others may not have read yet and beyond the
// lease, one connection is dialed at a time and a turn follows it: should the
// publication be lost, no more than that one exceeds it, and room for one is kept.
func (g grant) bound(now time.Time, open, dialing int) int {
	free := g.firm
	switch lease := g.interval * 5 / 4; {
	case !recent(g.verified, now, lease):
		free = 1
	case !recent(g.raised, now, lease):
		free = g.cap
	}
	if dialing == 0 {
		open++
	}
	return max(1, min(g.cap, max(free, open)))
}

// errTaken means that another member has the number already.
var errTaken = errors.New("fleet: another member has this number")

// turn reads, decides and publishes. After an error the member is as it was; the
// publication on the server may then be the newer one, which is for no less than cap.
func (m *member) turn(ctx context.Context, s session, pool local) error {
	began := m.now()
	rows, err := s.read(ctx)
	if err != nil {
		return err
	}
	now := m.now()
	mine := m.observe(rows, now)
	m.hurry = false
	if m.published.seq == 0 && (mine.open > 1 || mine.newest.seq != 0) {
		return errTaken
	}
	lost := m.published.seq == 0 || mine.newest.seq != m.published.seq
	if lost {
		m.lost(mine, s.began(), now)
	}
	next := m.next(now, pool)
	if next < m.cap { // at once: another member waits for it
		m.cap = next
		m.bound(s, mine, pool)
	}
	switch {
	case lost:
		return m.claim(ctx, s, pool, m.cap, true)
	case next > m.cap:
		return m.claim(ctx, s, pool, next, false)
	}
	m.verified = began
	m.bound(s, mine, pool)
	return m.tell(ctx, s, pool, m.cap)
}

// next is the cap that the last reading suggests. A newcomer does not grow: members
// that the reading does not show may be on their way, because they started at the same
// time or come back after a restart.
func (m *member) next(now time.Time, pool local) int {
	me := self{m.id, m.cap, pool.want(), m.most}
	next := decide(m.max, me, m.peers)
	if m.young(now) {
		m.due = 0
		return min(next, m.cap)
	}
	mine, _ := share(m.max, me, m.peers)
	m.due = min(mine, me.want, m.most)
	return next
}

// lost is called when the server does not show what the member has published. A session
// that began before the last reading proves that the member was there all the time;
// without it the member is new, or as good as new: the server may have restarted.
func (m *member) lost(mine row, began, now time.Time) {
	if !began.Before(m.verified) {
		m.since = now
	}
	if !m.fresh(now) { // else the others still count its cap
		m.cap = max(1, min(m.cap, mine.open))
	}
}

// claim publishes what the member would allow itself and reads again whether that fits.
// It takes back what does not.
func (m *member) claim(ctx context.Context, s session, pool local, claim int, lost bool) error {
	if err := m.tell(ctx, s, pool, claim); err != nil {
		return err
	}
	began := m.now()
	rows, err := s.read(ctx)
	if err != nil {
		return err
	}
	mine := m.observe(rows, m.now())
	if mine.newest.seq != m.published.seq { // the locks are gone again: the next turn sees to it
		m.hurry = true
		return nil
	}
	room := m.max - taken(m.peers)
	granted := min(claim, room)
	if !lost {
		granted = max(m.cap, min(claim, room-kept(m.max, m.peers)))
	}
	m.hurry = granted < claim
	m.cap = max(granted, 1)
	m.verified = began
	m.bound(s, mine, pool)
	return m.tell(ctx, s, pool, m.cap)
}

// bound tells the pool what it may have now.
func (m *member) bound(s session, mine row, pool local) {
	m.firm = min(m.firm, m.cap)
	open, _ := pool.open()
	pool.limit(m.grant(), max(0, mine.open-open), s.dialing())
}

func (m *member) grant() grant { return grant{m.cap, m.firm, m.raised, m.verified, m.interval} }

// tell publishes, unless the last reading showed the same. While the pool shrinks it
// may still have more connections than cap.
func (m *member) tell(ctx context.Context, s session, pool local, cap int) error {
	open, _ := pool.open()
	p := publication{seq: m.published.seq, cap: max(cap, open), want: pool.want(), young: m.young(m.now())}
	m.hurry = m.hurry || p.cap > cap
	if p == m.published && m.shown == p.seq && p.seq != 0 {
		return nil
	}
	p.seq++
	m.published = p // now: an answer that is lost does not mean that nothing was done
	return s.publish(ctx, p)
}

// observe takes in a reading: what the peers count for, and the member's own row.
func (m *member) observe(rows []row, now time.Time) (mine row) {
	m.turns++
	m.peers, m.readAt = m.peers[:0], now
	for i := range rows {
		if rows[i].member == m.id {
			mine = rows[i]
		} else {
			m.peers = append(m.peers, m.meet(&rows[i], now))
		}
	}
	m.shown = mine.newest.seq
	for id, a := range m.known {
		if a.turn == m.turns {
			continue
		}
		if a.gone.IsZero() {
			a.gone = now
			m.known[id] = a
		}
		if a.leaving || !recent(a.gone, now, m.hold()) {
			delete(m.known, id)
			continue
		}
		a.open, a.want = 0, a.counts // it keeps what it had, and gets no more
		m.peers = append(m.peers, a.peer)
	}
	return mine
}

// meet says what a member that has sessions counts for.
func (m *member) meet(r *row, now time.Time) peer {
	before, met := m.known[r.member]
	p := peer{id: r.member, open: r.open, want: max(r.newest.want, 1), counts: r.open + 1, young: r.newest.young, leaving: r.newest.leaving}
	switch {
	case r.newest.seq != 0:
		p.counts = max(r.open, r.newest.cap)
	case !met: // it has not published yet: the one session and no more
		p.counts = max(r.open, 1)
	}
	if p.leaving {
		p.counts = r.open
	}
	gone := time.Time{}
	if met && r.newest.seq < before.seq { // the newest publication is gone, with its session or alone
		if gone = before.gone; gone.IsZero() {
			gone = now
		}
		if recent(gone, now, m.hold()) {
			p.counts, p.want = max(p.counts, before.counts), before.want
			m.known[r.member] = acquaintance{before.peer, before.seq, m.turns, gone}
			return p
		}
	}
	if r.newest.seq != 0 || met {
		m.known[r.member] = acquaintance{p, r.newest.seq, m.turns, time.Time{}}
	}
	return p
}

// leave says that the member has gone: the others need not count what it had.
func (m *member) leave(ctx context.Context, s session) error {
	m.cap = 1
	m.published = publication{seq: m.published.seq + 1, cap: 1, want: 1, leaving: true}
	return s.publish(ctx, m.published)
}

// pause is how long the member waits until its next turn; draw is from 0 to 1. The end
// of its youth is not waited past: the others keep more room because of it.
func (m *member) pause(draw float64) time.Duration {
	length := 0.5 + 0.25*draw
	if m.hurry || m.cap < m.due {
		length = 0.1 + 0.2*draw
	}
	d := time.Duration(length * float64(m.interval))
	if now := m.now(); m.young(now) {
		d = min(d, m.since.Add(m.hold()).Sub(now)+time.Duration(draw*float64(m.interval)/20))
	}
	return d
}
