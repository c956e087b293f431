package fleet

import "slices"

// A peer is another member of the group as one reading shows it.
type peer struct {
	id      uint32
	counts  int // connections that it has, or may have before it reads again
	open    int // sessions on the server
	want    int // how many it would like to have, 1 at least
	leaving bool
}

// self is the member that decides.
type self struct {
	id   uint32
	cap  int // what it allows itself now
	want int
	most int // pool_max_conns: it never takes more
}

// share divides what is left of the limit when the room for newcomers is kept.
//
// Each member gets what it wants as long as that fits. When it does not, those who
// want most are cut to one level (max-min fairness). What no member wants is divided
// evenly, but for the part that is room, so that a burst finds connections without
// asking. All members compute the same shares from the same reading; what is left over
// of a division goes to the lowest numbers.
//
// The first result is the member's own share, the second the level: no member gets
// more than this of what it wants. The third is the room that a member leaves when it
// grows.
func share(limit int, me self, peers []peer) (mine, level, room int) {
	n := len(peers) + 1
	room = kept(limit, n)
	budget := limit - room
	if budget <= n {
		return 1, 1, room
	}
	wants := make([]int, 0, n)
	wants = append(wants, max(me.want, 1))
	sum, rank := max(me.want, 1), 0
	for i := range peers {
		w := max(peers[i].want, 1)
		if peers[i].leaving {
			w = max(peers[i].open, 1)
		}
		wants = append(wants, w)
		sum += w
		if peers[i].id < me.id {
			rank++
		}
	}
	if spare := budget - sum; spare >= 0 {
		return max(me.want, 1) + part(spare-spare/4, n, rank), budget, room + spare/4
	}
	slices.Sort(wants)
	left := budget
	for i, w := range wants {
		level = left / (n - i)
		if w > level {
			break
		}
		left -= w
	}
	return min(max(me.want, 1), level), level, room
}

// part is what member number rank of n gets of a whole.
func part(whole, n, rank int) int {
	p := whole / n
	if rank < whole%n {
		p++
	}
	return p
}

// kept is the least room for members to come: as many may dial their first connection in
// the same moment, because nothing can be asked before there is one. It is one place and
// a quarter of the members, as deployments start them, and two at least, but no more than
// an eighth of the limit.
func kept(limit, members int) int { return max(1, min(max(2, 1+members/4), limit/8)) }

// full reports whether a member without a connection finds no place. Of the room the last
// place is for the next one who looks, where there is more than one: so those who come
// one after the other never exceed the limit. Where all have one connection and no more,
// nothing can be given back.
func full(limit int, peers []peer) bool {
	next := min(1, kept(limit, len(peers)+1)-1)
	others := taken(peers)
	return others > len(peers) && others+1+next > limit
}

// taken is what the others count for.
func taken(peers []peer) int {
	sum := 0
	for i := range peers {
		sum += peers[i].counts
	}
	return sum
}

// decide returns what the member should allow itself. A result above me.cap is a
// wish: it has to be published and confirmed by a second reading.
//
// A member gives up what is above its share only when another one wants more than it
// has, or when the room for a newcomer is gone. So shares stand still while demand
// does.
func decide(limit int, me self, peers []peer) int {
	mine, level, room := share(limit, me, peers)
	mine = min(mine, me.most)
	others := taken(peers)
	lacking := others+me.cap > limit-kept(limit, len(peers)+1)
	for i := range peers {
		p := &peers[i]
		lacking = lacking || !p.leaving && p.counts < min(p.want, level)
	}
	switch {
	case mine < me.cap:
		if lacking {
			return mine
		}
	case mine > me.cap:
		if lacking && me.want <= me.cap { // it would take for later what another one needs now
			return me.cap
		}
		return max(me.cap, min(mine, limit-room-others))
	}
	return me.cap
}
