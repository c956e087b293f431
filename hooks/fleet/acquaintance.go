package fleet

import "time"

// An acquaintance is a peer that published once.
type acquaintance struct {
	peer
	seq  uint32
	turn uint64    // the last reading that had it
	gone time.Time // the first reading without its publication; zero while it is there
}

// observe takes in a reading: what the peers count for, and the member's own row.
func (m *member) observe(rows []row, now time.Time) (mine row) {
	m.turns++
	m.peers, m.readAt, m.ends = m.peers[:0], now, time.Time{}
	for i := range rows {
		if rows[i].member == m.id {
			mine = rows[i]
		} else {
			m.peers = append(m.peers, m.meet(&rows[i], now))
		}
	}
	m.shown = mine.newest
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
		m.countsUntil(a.gone)
		a.open, a.want = 0, a.counts // it keeps what it had, and gets no more
		m.peers = append(m.peers, a.peer)
	}
	return mine
}

// meet says what a member that has sessions counts for.
func (m *member) meet(r *row, now time.Time) peer {
	before, met := m.known[r.member]
	p := peer{id: r.member, open: r.open, want: max(r.newest.want, 1), counts: r.open + 1, leaving: r.newest.leaving}
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
			m.countsUntil(gone)
			return p
		}
	}
	if r.newest.seq != 0 || met {
		m.known[r.member] = acquaintance{p, r.newest.seq, m.turns, time.Time{}}
	}
	return p
}

// countsUntil notes when what has gone then ceases to count.
func (m *member) countsUntil(gone time.Time) {
	if end := gone.Add(m.hold()); m.ends.IsZero() || end.Before(m.ends) {
		m.ends = end
	}
}
