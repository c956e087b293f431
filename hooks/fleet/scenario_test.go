package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Each is the worst moment for one of the rules that keep the limit: without the rule
// the server has too many sessions. Random fleets meet these moments too seldom.
func TestTheLimitHoldsInTheWorstMoments(t *testing.T) {
	const limit = 20
	for name, moment := range map[string]func(f *fleetOf){
		"the sessions of a member end, another one wants its share, and it comes back": func(f *fleetOf) {
			a, b := f.join(limit), f.join(1)
			f.until(func() bool { return a.settled(limit-3) && f.justRead(a) })
			f.cut(a)
			b.wants(limit)
			time.Sleep(time.Second)
			f.thaw(a)
		},
		"the same, and it comes back when its share has been given away": func(f *fleetOf) {
			a, b := f.join(limit), f.join(1)
			f.until(func() bool { return a.settled(limit - 3) })
			f.cut(a)
			b.wants(limit)
			f.until(func() bool { return b.cap >= limit-4 })
			time.Sleep(time.Second)
			f.thaw(a)
		},
		"all sessions of a member end but one, which does not publish": func(f *fleetOf) {
			a, b := f.join(limit), f.join(1)
			f.until(func() bool { return a.settled(limit-3) && f.justRead(a) })
			f.freeze(a)
			f.mu.Lock()
			left := slices.IndexFunc(a.conns, func(c *simSession) bool { return c.pub.seq != a.newest })
			for i, c := range a.conns {
				if i != left {
					f.endLocked(c)
				}
			}
			a.conns = a.conns[left : left+1]
			f.mu.Unlock()
			b.wants(limit)
			time.Sleep(simInterval * 3 / 4)
			f.thaw(a)
		},
		"a newcomer is the first after a restart": func(f *fleetOf) {
			a := f.join(limit)
			f.until(func() bool { return a.settled(limit-3) && f.justRead(a) })
			f.cut(a)
			f.join(limit)
			time.Sleep(simInterval * 3 / 4)
			f.thaw(a) // within its lease
		},
		"a share is raised, and its publication ends before it was read": func(f *fleetOf) {
			a, b := f.join(1), f.join(1)
			time.Sleep(4 * simInterval)
			f.mu.Lock()
			before := a.cap
			f.mu.Unlock()
			a.wants(limit - 5)
			f.until(func() bool { return a.cap > before+4 })
			f.freeze(a)
			f.mu.Lock()
			for c := range f.sessions {
				if c.owner == a && c.pub.seq == a.newest {
					f.endLocked(c)
				}
			}
			f.mu.Unlock()
			b.wants(limit)
			time.Sleep(simInterval)
			f.thaw(a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				synctest.Test(t, func(t *testing.T) {
					f := newSim(t, seed, limit)
					moment(f)
					time.Sleep(3 * simInterval)
					f.end()
				})
			}
		})
	}
}

func newSim(t *testing.T, seed uint64, limit int) *fleetOf {
	return &fleetOf{t: t, seed: seed, simServer: &simServer{rng: rand.New(rand.NewPCG(seed, 7)), limit: limit, sessions: map[*simSession]bool{}}}
}

// end fails the test if the limit was exceeded, and ends all members.
func (f *fleetOf) end() {
	f.mu.Lock()
	if f.over != "" {
		f.t.Errorf("seed %d: limit %d: %s", f.seed, f.limit, f.over)
	}
	members := append([]*simMember(nil), f.members...)
	f.mu.Unlock()
	for _, p := range members {
		f.leave(p, false)
	}
	time.Sleep(5 * time.Second)
}

func (f *fleetOf) until(cond func() bool) {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		ok := cond()
		f.mu.Unlock()
		if ok {
			return
		}
		if time.Since(start) > 10*simInterval {
			f.mu.Lock()
			defer f.mu.Unlock()
			panic(fmt.Sprint("seed ", f.seed, ": it does not come about: ", f.tellLocked()))
		}
	}
}

func (f *fleetOf) justRead(p *simMember) bool {
	return time.Since(p.grant.verified) < 100*time.Millisecond
}

// settled reports whether the member has n connections, and no raise that the others may
// not have read.
func (p *simMember) settled(n int) bool {
	return len(p.conns) >= n && p.lim >= n && !recent(p.grant.raised, time.Now(), p.m.lease())
}

func (p *simMember) wants(n int) {
	p.server.mu.Lock()
	p.demand = n
	p.server.mu.Unlock()
}

func (f *fleetOf) freeze(p *simMember) {
	f.mu.Lock()
	p.frozen = make(chan struct{})
	f.mu.Unlock()
}

func (f *fleetOf) thaw(p *simMember) {
	f.mu.Lock()
	thaw := p.frozen
	p.frozen = nil
	f.mu.Unlock()
	close(thaw)
}

// cut ends all sessions of a member, which can do nothing until it is thawed.
func (f *fleetOf) cut(p *simMember) {
	f.freeze(p)
	f.mu.Lock()
	for c := range f.sessions {
		if c.owner == p {
			f.endLocked(c)
		}
	}
	p.conns = nil
	f.mu.Unlock()
}
