package queue

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// scene is a load on some connections.
type scene struct {
	conns int
	loan  func(*rand.Rand) time.Duration
	// open has callers come by themselves: how many per second at a time.
	open func(at time.Duration) float64
	// patience is for how long the next caller of an open load waits.
	patience func(*rand.Rand) time.Duration
	// each is how many loans a caller of an open load needs one after the other, all
	// in its time; zero means one. It is served when it has had the last one.
	each int
	// workers are callers that come back as soon as they are done, each willing to
	// wait for as long as its number says.
	workers []time.Duration
	// stalled reports whether connections finish nothing at that time.
	stalled  func(at time.Duration) (until time.Duration)
	from, to time.Duration // what comes then counts
}

// tally is what came of those that counted.
type tally struct {
	came, served int
	waits        []time.Duration // of the served
}

func (t tally) share() float64 { return float64(t.served) / float64(t.came) }

func (t tally) wait(share float64) time.Duration {
	slices.Sort(t.waits)
	return t.waits[int(share*float64(len(t.waits)-1))]
}

// line is a queue, or database/sql's random one.
type line interface {
	push(c *caller, now int64)
	grant(now int64) *caller
	leave(c *caller)
	loan(took int64, cut bool)
	len() int
}

type caller struct {
	worker       int           // its number, or -1
	left         int           // loans after this one
	needs        time.Duration // for this one
	came         int64
	since, until int64 // of this wait
	waiter       *Waiter[int]
	got, gone    bool
}

// cutCosts is for how long a connection is of no use after its statement was cut.
const cutCosts = 10 * time.Millisecond

// simulate plays a scene with a seed.
func simulate(s scene, l line, seed uint64) (all tally) {
	// Whatever the order, the same callers come at the same time with the same needs.
	r, arrivals := rand.New(rand.NewPCG(seed, 7)), rand.New(rand.NewPCG(seed, 8))
	now, free := int64(0), s.conns
	var events agenda
	at := func(t int64, do func()) {
		events.made++
		heap.Push(&events, event{t, events.made, do})
	}
	counts := func(c *caller) bool { return c.came >= int64(s.from) && c.came < int64(s.to) }
	var come func(worker int, patience time.Duration)
	var again func(c *caller)
	var next func()
	back := func(c *caller) { // a worker begins anew
		if c.worker >= 0 {
			at(now+1, func() { come(c.worker, s.workers[c.worker]) })
		}
	}
	begin := func(c *caller) {
		c.got = true
		began := now
		end := now + int64(c.needs)
		if s.stalled != nil {
			end = max(end, int64(s.stalled(time.Duration(end))))
		}
		cut := end > c.until
		if cut {
			end = c.until
		} else if c.left == 0 && counts(c) {
			all.served++
			all.waits = append(all.waits, time.Duration(now-c.since))
		}
		at(end, func() {
			if l.len() > 0 {
				l.loan(now-began, cut)
			}
			back(c)
			if !cut && c.left > 0 {
				at(now+1, func() { again(&caller{worker: c.worker, came: c.came, since: now, until: c.until, left: c.left - 1}) })
			}
			if cut {
				at(now+int64(cutCosts), next)
				return
			}
			next()
		})
	}
	next = func() {
		if c := l.grant(now); c != nil {
			begin(c)
			return
		}
		free++
	}
	come = func(worker int, patience time.Duration) {
		c := &caller{worker: worker, came: now, since: now, until: now + int64(patience)}
		if worker < 0 && s.each > 1 {
			c.left = s.each - 1
		}
		if counts(c) {
			all.came++
		}
		again(c)
	}
	again = func(c *caller) {
		c.needs = s.loan(r)
		if free > 0 {
			free--
			begin(c)
			return
		}
		l.push(c, now)
		at(c.until, func() {
			if !c.got {
				c.gone = true
				l.leave(c)
				back(c)
			}
		})
	}
	if s.open != nil {
		var arrive func()
		arrive = func() {
			come(-1, s.patience(arrivals))
			at(now+int64(arrivals.ExpFloat64()/s.open(time.Duration(now))*1e9), arrive)
		}
		at(1, arrive)
	}
	for i, patience := range s.workers {
		at(int64(i), func() { come(i, patience) })
	}
	for len(events.list) > 0 && now < int64(s.to+5*time.Second) {
		e := heap.Pop(&events).(event)
		now = e.at
		e.do()
	}
	return all
}

type event struct {
	at, order int64
	do        func()
}

// agenda is a heap of what comes, in the order of time and then of its making.
type agenda struct {
	list []event
	made int64
}

func (a *agenda) Len() int { return len(a.list) }
func (a *agenda) Less(i, j int) bool {
	if a.list[i].at != a.list[j].at {
		return a.list[i].at < a.list[j].at
	}
	return a.list[i].order < a.list[j].order
}
func (a *agenda) Swap(i, j int) { a.list[i], a.list[j] = a.list[j], a.list[i] }
func (a *agenda) Push(e any)    { a.list = append(a.list, e.(event)) }
func (a *agenda) Pop() any {
	last := len(a.list) - 1
	e := a.list[last]
	a.list = a.list[:last]
	return e
}

// ours is the queue under test.
type ours struct {
	q  Queue[int]
	of map[*Waiter[int]]*caller
}

func (o *ours) push(c *caller, now int64) {
	c.waiter = o.q.Get()
	c.waiter.Since, c.waiter.Until, c.waiter.End = c.since, c.until, math.MaxInt64
	o.of[c.waiter] = c
	o.q.Push(c.waiter, now, false)
}

func (o *ours) grant(now int64) *caller {
	w := o.q.Next(now)
	if w == nil {
		return nil
	}
	w.Grant(1)
	<-w.Ready
	c := o.of[w]
	o.drop(c)
	return c
}

func (o *ours) leave(c *caller) {
	o.q.Leave(c.waiter, true)
	o.drop(c)
}

func (o *ours) drop(c *caller) {
	delete(o.of, c.waiter)
	o.q.Put(c.waiter)
}

func (o *ours) loan(took int64, cut bool) { o.q.Loan(took, cut) }
func (o *ours) len() int                  { return o.q.Len() }

func newOurs() line { return &ours{of: make(map[*Waiter[int]]*caller)} }

// random is the order of database/sql, strict that of a queue that knows none
// but the first in, first out.
type plain struct {
	all    []*caller
	random *rand.Rand
}

func (p *plain) push(c *caller, _ int64) { p.all = append(p.all, c) }
func (p *plain) grant(int64) *caller {
	if len(p.all) == 0 {
		return nil
	}
	i := 0
	if p.random != nil {
		i = p.random.IntN(len(p.all))
	}
	c := p.all[i]
	p.all = slices.Delete(p.all, i, i+1)
	return c
}
func (p *plain) leave(c *caller) {
	i := slices.Index(p.all, c)
	p.all = slices.Delete(p.all, i, i+1)
}
func (p *plain) loan(int64, bool) {}
func (p *plain) len() int         { return len(p.all) }

func newRandom() line { return &plain{random: rand.New(rand.NewPCG(1, 2))} }
func newStrict() line { return &plain{} }
