package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool"
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
	shown     publication // its own newest in the last reading
	firm      int         // cap before the last raise
	raised    time.Time   // the last raise
	came      time.Time   // its first reading
	since     time.Time   // it came, or came back after all its sessions had been lost
	verified  time.Time   // the last reading that showed its newest publication began
	hurry     bool        // the next turn should come soon
	due       int         // what it needs and should have

	peers  []peer // of the last reading
	readAt time.Time
	turns  uint64
	known  map[uint32]acquaintance
	ends   time.Time // the next of them that has gone ceases to count; zero for none
}

func newMember(id uint32, limit, most int, interval time.Duration) *member {
	return &member{
		id: id, max: limit, most: most, interval: interval, now: time.Now,
		cap: 1, firm: 1, known: map[uint32]acquaintance{},
	}
}

// hold must be longer than a grant's lease: simulated fleets exceed their limit when it is as long.
func (m *member) hold() time.Duration { return m.interval * 3 / 2 }

// patience is how long a newcomer looks for a place. Longer, and a deployment would stand
// still whose new processes have a lower limit, or whose old ones do not end their loans.
func (m *member) patience() time.Duration { return m.interval * 4 }

// young reports whether the member came a short time ago.
func (m *member) young(now time.Time) bool { return recent(m.since, now, m.hold()) }

// errTaken means that another member has the number already.
var errTaken = errors.New("fleet: another member has this number")

// errFull means that there is no place for a member that has none yet, which the pool
// waits for.
var errFull error = fullError{}

type fullError struct{}

// Error implements error.
func (fullError) Error() string { return "all connections of the group are taken" }

// Unwrap makes it a refusal that is worth waiting for: see sqlpool.Hooks.
func (fullError) Unwrap() error { return sqlpool.ErrUnavailable }

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
	if m.came.IsZero() {
		m.came = now
	}
	if m.published.seq == 0 && full(m.max, m.peers) && recent(m.came, now, m.patience()) {
		return errFull
	}
	lost := !m.seen()
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
	mine, _, _ := share(m.max, me, m.peers)
	m.due = min(mine, me.want, m.most)
	return next
}

// seen reports whether the last reading showed what the member has published, or more:
// then the others count no less than that.
func (m *member) seen() bool {
	return m.published.seq != 0 && m.shown.seq == m.published.seq && m.shown.content() >= m.published.content()
}

// overstated reports whether it showed more: a session may hold the content of an older
// publication too, after an error, or twice after a reset that let no lock go.
func (m *member) overstated() bool { return m.seen() && m.shown.content() > m.published.content() }

// lost is called when the server does not show what the member has published. A session
// that began before the last reading proves that the member was there all the time;
// without it the member is new, or as good as new: the server may have restarted.
func (m *member) lost(mine row, began, now time.Time) {
	if !began.Before(m.verified) {
		m.since = now
	}
	if !m.grant().fresh(now) { // else the others still count its cap
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
	if !m.seen() { // the locks are gone again: the next turn sees to it
		m.hurry = true
		return nil
	}
	now, left := m.now(), m.max-taken(m.peers)
	granted := min(claim, left)
	if !lost {
		_, _, room := share(m.max, self{m.id, m.cap, pool.want(), m.most}, m.peers)
		granted = max(m.cap, min(claim, left-room))
	}
	if granted > m.cap {
		if m.grant().stood() {
			m.firm = m.cap
		}
		m.raised = now
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
	p := publication{seq: m.published.seq, cap: max(cap, open), want: pool.want()}
	m.hurry = m.hurry || p.cap > cap
	if p == m.published && m.seen() && !m.overstated() {
		return nil
	}
	p.seq++
	m.published = p // now: an answer that is lost does not mean that nothing was done
	return s.publish(ctx, p)
}

// leave says that the member has gone: the others need not count what it had.
func (m *member) leave(ctx context.Context, s session) error {
	m.cap = 1
	m.published = publication{seq: m.published.seq + 1, cap: 1, want: 1, leaving: true}
	return s.publish(ctx, m.published)
}

// pause is how long the member waits until its next turn; draw is from 0 to 1. It does
// not wait past the end of what keeps it from growing: of its youth, and of the time for
// which a member that has gone counts.
func (m *member) pause(draw float64) time.Duration {
	length := 0.5 + 0.25*draw
	if m.hurry || m.cap < m.due {
		length = 0.1 + 0.2*draw
	}
	d := time.Duration(length * float64(m.interval))
	now := m.now()
	for _, end := range []time.Time{m.since.Add(m.hold()), m.ends} {
		if end.After(now) {
			d = min(d, end.Sub(now)+time.Duration(draw*float64(m.interval)/20))
		}
	}
	return d
}
