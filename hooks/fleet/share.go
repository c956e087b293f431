package fleet

import "slices"

// A peer is another member of the group as one reading shows it.
type peer struct {
	id      uint32
	counts  int  // connections that it has, or may have before it reads again
	open    int  // sessions on the server
	want    int  // how many it would like to have, 1 at least
	young   bool // it came a short time ago: more may follow it
	leaving bool
}

// self is the member that decides.
type self struct {
	id   uint32
	cap  int // what it allows itself now
	want int
	most int // pool_max_conns: it never takes more
}

// share divides what is left of the limit when room for one newcomer is kept.
//
// Each member gets what it wants as long as that fits. When it does not, those who
// want most are cut to one level (max-min fairness). What no member wants is divided
// evenly, so that a burst finds room without asking. All members compute the same
// shares from the same reading; what is left over of a division goes to the lowest
// numbers.
//
// The first result is the member's own share, the second the level: no member gets
// more than this of what it wants.
func share(limit int, me self, peers []peer) (mine, level int) {
	n := len(peers) + 1
	budget := limit - 1
	if budget <= n {
		return 1, 1
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
	if sum <= budget {
		return max(me.want, 1) + part(budget-sum, n, rank), budget
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
	return min(max(me.want, 1), level), level
}

// part is what member number rank of n gets of a whole.
func part(whole, n, rank int) int {
	p := whole / n
	if rank < whole%n {
		p++
	}
	return p
}

// kept is how much room a member leaves when it grows: for one newcomer, and for as
// many more as came lately, because processes start in crowds.
func kept(limit int, peers []peer) int {
	young := 0
	for i := range peers {
		if peers[i].young {
			young++
		}
	}
	return min(1+young, max(1, limit/8))
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
	mine, level := share(limit, me, peers)
	mine = min(mine, me.most)
	others := taken(peers)
	lacking := others+me.cap > limit-1
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
		return max(me.cap, min(mine, limit-kept(limit, peers)-others))
	}
	return me.cap
}
