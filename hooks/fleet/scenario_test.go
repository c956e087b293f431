package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Each is the worst moment for one of the rules that keep the limit: with all rules the
// server never has more sessions than the limit, and without that rule it has.
func TestTheLimitHoldsInTheWorstMoments(t *testing.T) {
	const limit, all = 20, 20 - 2 // but for the room
	alone := func(f *fleetOf) *simMember {
		a := f.join(limit)
		f.until(func() bool { return len(a.conns) == all && a.grant.stood() && f.justRead(a) })
		return a
	}
	pair := func(f *fleetOf) (a, b *simMember) {
		a, b = f.join(limit), f.join(1)
		f.until(func() bool { return len(a.conns) == all-1 && a.grant.stood() && f.justRead(a) })
		return a, b
	}
	for _, moment := range []struct {
		rule rule
		what string
		is   func(f *fleetOf)
	}{
		{hold, "the sessions of a member end, another one wants its share, and it comes back", func(f *fleetOf) {
			a, b := pair(f)
			f.cut(a)
			b.wants(limit)
			f.untilLease(a, func() bool { return len(b.conns) == all })
			f.thaw(a)
		}},
		{hold, "all its sessions end but one, which does not publish, and it comes back", func(f *fleetOf) {
			a, b := pair(f)
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
			f.untilLease(a, func() bool { return len(b.conns) >= all-1 })
			f.thaw(a)
		}},
		{lease, "the same, and it comes back when its share has been given away", func(f *fleetOf) {
			a, b := pair(f)
			f.cut(a)
			b.wants(limit)
			f.until(func() bool { return len(b.conns) == all })
			f.thaw(a)
		}},
		{youth, "a newcomer is the first after a restart", func(f *fleetOf) {
			a := alone(f)
			f.cut(a)
			c := f.join(limit)
			f.untilLease(a, func() bool { return len(c.conns) == all })
			f.thaw(a)
		}},
		{raising, "a share is raised, and its publication ends before it was read", func(f *fleetOf) {
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
		}},
		{raising, "the same before all have read it, and the member comes back within its lease", func(f *fleetOf) {
			a, b := f.join(limit), f.join(1)
			f.until(func() bool { return len(a.conns) == all-1 && f.justRead(a) })
			f.cut(a)
			b.wants(limit)
			f.untilLease(a, func() bool { return len(b.conns) == all })
			f.thaw(a)
		}},
		{reread, "all raise their share in one moment, again and again", func(f *fleetOf) {
			some := []*simMember{f.join(1), f.join(1), f.join(1), f.join(1)}
			for range 10 {
				for _, n := range []int{1, limit} {
					time.Sleep(3 * simInterval)
					for _, p := range some {
						p.wants(n)
					}
				}
			}
		}},
		{place, "newcomers come one after the other to a full fleet that is slow to make room", func(f *fleetOf) {
			a := alone(f)
			f.rush = true // only those that have not found a place yet may exceed the limit
			f.freeze(a)
			for range 4 {
				f.join(1)
				time.Sleep(time.Second)
			}
			f.thaw(a)
		}},
	} {
		t.Run(string(moment.rule), func(t *testing.T) {
			over := map[rule]int{}
			for _, without := range []rule{everyRule, moment.rule} {
				for seed := range uint64(20) {
					synctest.Test(t, func(t *testing.T) {
						f := newSim(t, seed, limit)
						f.without = without
						moment.is(f)
						time.Sleep(3 * simInterval)
						if f.end() != "" {
							over[without]++
						}
						if without == everyRule {
							f.mustHold()
						}
					})
				}
			}
			t.Logf("without the rule, the limit was exceeded in %d of 20: %s", over[moment.rule], moment.what)
			if over[moment.rule] == 0 {
				t.Errorf("without the rule the limit holds too, so this moment does not guard it: %s", moment.what)
			}
		})
	}
}

func newSim(t *testing.T, seed uint64, limit int) *fleetOf {
	return &fleetOf{t: t, seed: seed, simServer: &simServer{rng: rand.New(rand.NewPCG(seed, 7)), limit: limit, sessions: map[*simSession]bool{}}}
}

// mustHold fails the test if the limit was exceeded.
func (f *fleetOf) mustHold() {
	if f.over != "" {
		f.t.Errorf("seed %d: limit %d: %s", f.seed, f.limit, f.over)
	}
}

// end ends all members, and tells how the limit was exceeded, if it was.
func (f *fleetOf) end() (over string) {
	f.mu.Lock()
	over = f.over
	members := append([]*simMember(nil), f.members...)
	f.mu.Unlock()
	for _, p := range members {
		f.leave(p, false)
	}
	time.Sleep(5 * time.Second)
	return over
}

// untilLease waits for what may not come, until the member is about to lose its lease.
func (f *fleetOf) untilLease(p *simMember, cond func() bool) {
	for ; ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		over := cond() || time.Since(p.grant.verified) >= p.grant.lease()-50*time.Millisecond
		f.mu.Unlock()
		if over {
			return
		}
	}
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
