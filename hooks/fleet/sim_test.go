package fleet

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var simSeed = flag.Int("fleet.seed", -1, "only this one, with a trace")

var simSeeds = flag.Int("fleet.seeds", 30, "how many random fleets are simulated; of each fifty one has 1000 members")

const simInterval = 2 * time.Second

var errSim = errors.New("sim: connection lost")

// simServer has sessions with locks, and counts every backend that lives.
type simServer struct {
	mu       sync.Mutex
	rng      *rand.Rand
	limit    int
	down     bool
	sessions map[*simSession]bool
	peak     int
	over     string // the first instant at which the limit was exceeded
	rush     bool   // more newcomers come in one moment than room is kept for
	without  rule   // which its members do not keep
	slowness time.Duration
}

// A rule of the protocol. A fleet without one shows what it is for.
type rule string

const (
	everyRule rule = ""
	lease     rule = "a member that has not read for long dials one connection at a time"
	youth     rule = "a newcomer does not grow"
	hold      rule = "what has vanished counts for a time"
	raising   rule = "a raise is dialed one connection at a time until the others have read it"
	reread    rule = "a raise is taken back when a second reading shows that it does not fit"
	place     rule = "a newcomer without a place goes away"
)

type simSession struct {
	server *simServer
	owner  *simMember
	dead   bool // on the server
	known  bool // the owner knows of it
	locked bool
	pub    publication
	born   time.Time
	opened bool
}

func (c *simSession) began() time.Time { return c.born }

func (c *simSession) dialing() bool { return !c.opened }

func (s *simServer) delay() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := time.Duration(s.rng.Int64N(int64(4 * time.Millisecond)))
	if s.slowness > 0 && s.rng.IntN(4) == 0 {
		d += time.Duration(s.rng.Int64N(int64(s.slowness)))
	}
	return d
}

// round is one round trip: the effect comes at a random moment of it.
func (c *simSession) round(ctx context.Context, effect func()) error {
	time.Sleep(c.server.delay())
	c.server.mu.Lock()
	dead := c.dead
	if !dead {
		effect()
	}
	c.server.mu.Unlock()
	time.Sleep(c.server.delay())
	c.owner.thaw()
	c.server.mu.Lock()
	dead = dead || c.dead || c.owner.dark
	c.server.mu.Unlock()
	if dead {
		return errSim
	}
	return ctx.Err()
}

func (c *simSession) read(ctx context.Context) (rows []row, err error) {
	here := false
	first := c.owner.readings == nil
	defer func() {
		if c.server.without == reread && err == nil {
			if !first { // the others as they were at the first reading
				rows = c.owner.withOwnRow(rows)
			}
			c.owner.readings = rows
		}
	}()
	err = c.round(ctx, func() {
		here = c.locked
		at := map[uint32]int{}
		for s := range c.server.sessions {
			if !s.locked {
				continue
			}
			i, ok := at[s.owner.m.id]
			if !ok {
				i = len(rows)
				at[s.owner.m.id] = i
				rows = append(rows, row{member: s.owner.m.id})
			}
			rows[i].open++
			if s.pub.seq > rows[i].newest.seq {
				rows[i].newest = publicationOf(s.pub.seq, s.pub.content())
			}
		}
	})
	if err == nil && !here {
		if err = c.round(ctx, func() { c.locked = true }); err == nil {
			return c.read(ctx)
		}
	}
	return rows, err
}

func (c *simSession) publish(ctx context.Context, p publication) error {
	return c.round(ctx, func() { c.pub, c.owner.newest = p, p.seq })
}

func (s *simServer) dial(owner *simMember) (*simSession, error) {
	time.Sleep(s.delay())
	s.mu.Lock()
	if s.down || owner.dark || owner.gone {
		s.mu.Unlock()
		return nil, errSim
	}
	c := &simSession{server: s, owner: owner, born: time.Now()}
	s.sessions[c] = true
	if s.peak = max(s.peak, len(s.sessions)); s.exceededLocked() && s.over == "" {
		if *simSeed >= 0 {
			fmt.Println("OVER")
		}
		s.over = fmt.Sprintf("%d sessions with member %d: %s", len(s.sessions), owner.m.id, s.tellLocked())
	}
	s.mu.Unlock()
	time.Sleep(s.delay())
	err := c.round(context.Background(), func() { c.locked = true })
	return c, err
}

// exceededLocked reports whether there are more sessions than the limit. In a rush those
// that look for a place exceed it as long as they look, but for one where a place is kept
// for that; those that have found one never do.
func (s *simServer) exceededLocked() bool {
	if len(s.sessions) <= s.limit {
		return false
	}
	looking, members := 0, map[*simMember]bool{}
	for c := range s.sessions {
		members[c.owner] = true
		if !c.owner.in {
			looking++
		}
	}
	beyond := 0
	if s.rush {
		beyond = max(0, looking-min(1, kept(s.limit, len(members))-1))
	}
	return len(s.sessions) > s.limit+beyond
}

func (s *simServer) tellLocked() string {
	open := map[uint32]int{}
	pubs := map[uint32]publication{}
	for c := range s.sessions {
		open[c.owner.m.id]++
		if c.pub.seq > pubs[c.owner.m.id].seq {
			pubs[c.owner.m.id] = c.pub
		}
	}
	return fmt.Sprint(open, pubs)
}

func (s *simServer) endLocked(c *simSession) {
	c.dead = true
	delete(s.sessions, c)
}

// simMember is a pool with a member, and a demand that the test sets.
type simMember struct {
	server *simServer
	m      *member
	rng    *rand.Rand // of its own goroutine
	turnMu chan struct{}
	joined time.Time

	readings []row // the last of this turn

	// under server.mu
	demand, lim, cap, dialing int
	conns                     []*simSession
	grant                     grant
	pause                     time.Duration
	frozen                    chan struct{}
	dark, gone                bool   // partitioned; left
	in                        bool   // it has found a place
	steps                     []int  // of cap
	newest                    uint32 // of its publications that the server has taken
}

func (p *simMember) thaw() {
	for {
		p.server.mu.Lock()
		f := p.frozen
		p.server.mu.Unlock()
		if f == nil {
			return
		}
		<-f
	}
}

func (p *simMember) open() (all, dialing int) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return len(p.conns) + p.dialing, p.dialing
}

func (p *simMember) want() int {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return max(1, p.demand)
}

func (p *simMember) limit(g grant, lost int, read bool) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.grant = g
	p.grant.cap -= lost
	if p.server.without == raising {
		p.grant.raised = time.Time{}
	}
	p.boundLocked(read)
}

func (p *simMember) boundLocked(read bool) {
	dialing := p.dialing
	if read {
		dialing--
	}
	p.lim = p.boundOf(len(p.conns)+p.dialing, dialing)
}

// boundOf is what the grant allows now.
func (p *simMember) boundOf(open, dialing int) int {
	g := p.grant
	if p.server.without == lease && !g.verified.IsZero() {
		g.verified = time.Now()
	}
	return g.bound(time.Now(), open, dialing)
}

// forget has the member not keep the rule that the simulation leaves out.
func (p *simMember) forget() {
	p.readings = nil
	switch p.server.without {
	case youth:
		p.m.since = time.Time{}
	case hold:
		clear(p.m.known)
	case place:
		p.m.came = time.Unix(1, 0)
	}
}

// withOwnRow is the member's own row of one reading and the others' rows of the one before.
func (p *simMember) withOwnRow(rows []row) (all []row) {
	for _, r := range rows {
		if r.member == p.m.id {
			all = append(all, r)
		}
	}
	for _, r := range p.readings {
		if r.member != p.m.id {
			all = append(all, r)
		}
	}
	return all
}

func (p *simMember) turn(c *simSession, must bool) error {
	select {
	case p.turnMu <- struct{}{}:
	default:
		if !must {
			return nil
		}
		p.turnMu <- struct{}{}
	}
	defer func() { <-p.turnMu }()
	p.forget()
	err := p.m.turn(context.Background(), c, p)
	if *simSeed >= 0 {
		fmt.Println(time.Now().Sub(p.joined), p.m.id, "cap", p.m.cap, "lim", p.lim, "pub", p.m.published, "peers", p.m.peers, "young", p.m.young(time.Now()), err)
	}
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.in = p.in || err == nil
	if p.cap != p.m.cap {
		p.steps = append(p.steps, p.m.cap)
	}
	p.cap, p.pause = p.m.cap, p.m.pause(p.server.rng.Float64())
	return err
}

// live is the member's life in steps of a tenth of a second.
func (p *simMember) live() {
	next, swept := time.Now(), time.Now()
	for {
		time.Sleep(50*time.Millisecond + time.Duration(p.rng.Int64N(int64(100*time.Millisecond))))
		p.thaw()
		now := time.Now()
		p.server.mu.Lock()
		if p.gone {
			p.server.mu.Unlock()
			return
		}
		// Dead connections are noticed now and then.
		kept := p.conns[:0]
		for _, c := range p.conns {
			if c.dead && p.rng.IntN(2) == 0 {
				continue
			}
			kept = append(kept, c)
		}
		p.conns = kept
		if now.Sub(swept) > time.Second/2 {
			swept = now
			p.boundLocked(false)
		}
		p.dialLocked()
		// Above the limit each goes when its loan ends.
		for len(p.conns) > 1 && len(p.conns)+p.dialing > p.lim && p.rng.IntN(3) > 0 {
			p.server.endLocked(p.conns[len(p.conns)-1])
			p.conns = p.conns[:len(p.conns)-1]
		}
		if len(p.conns) > max(p.demand, 1) && p.rng.IntN(10) == 0 { // idle for long; not only the last
			i := p.rng.IntN(len(p.conns))
			p.server.endLocked(p.conns[i])
			p.conns = append(p.conns[:i], p.conns[i+1:]...)
		}
		var at *simSession
		if n := len(p.conns); n > 0 && !now.Before(next) {
			at = p.conns[p.rng.IntN(n)]
		}
		p.server.mu.Unlock()
		if at != nil {
			_ = p.turn(at, false)
			p.server.mu.Lock()
			next = time.Now().Add(p.pause)
			p.server.mu.Unlock()
		}
	}
}

// dialLocked dials what is wanted within the bound. After a long stop the bound is an
// old one: what the pool does then before its next sweep is bounded too.
func (p *simMember) dialLocked() {
	open := len(p.conns) + p.dialing
	if !p.grant.fresh(time.Now()) {
		p.lim = min(p.lim, p.boundOf(open, p.dialing))
	}
	for range min(p.lim, max(p.demand, 1)) - open {
		if p.dialing >= 4 || p.gone {
			break
		}
		p.dialing++
		go p.connect()
	}
}

func (p *simMember) connect() {
	c, err := p.server.dial(p)
	if err == nil {
		p.server.mu.Lock()
		must := p.boundOf(0, 1) < len(p.conns)+p.dialing
		p.server.mu.Unlock()
		if e := p.turn(c, must); e != nil && !errors.Is(e, errSim) {
			err = e
		}
	}
	p.thaw()
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.dialing--
	switch {
	case c == nil:
	case p.gone || err != nil:
		p.server.endLocked(c)
	default:
		c.opened = true
		p.conns = append(p.conns, c)
		p.dialLocked()
	}
}

// fleetOf is the simulation: its members and what befalls them.
type fleetOf struct {
	*simServer
	t        *testing.T
	seed     uint64
	members  []*simMember
	lastID   uint32
	newcomer time.Time // the last one came, or came back
	took     map[string][]time.Duration
}

func (f *fleetOf) join(demand int) *simMember {
	f.mu.Lock()
	f.lastID++
	p := &simMember{
		server: f.simServer, m: newMember(f.lastID*2654435761, f.limit, MostConns, simInterval),
		rng: rand.New(rand.NewPCG(f.rng.Uint64(), 1)), turnMu: make(chan struct{}, 1), demand: demand, lim: 1, cap: 1, joined: time.Now(),
		grant: grant{cap: 1, firm: 1, interval: simInterval},
	}
	f.members = append(f.members, p)
	f.mu.Unlock()
	go p.live()
	return p
}

func (f *fleetOf) leave(p *simMember, clean bool) {
	if clean {
		f.mu.Lock()
		p.lim, p.demand = 1, 1
		var c *simSession
		if len(p.conns) > 0 {
			c = p.conns[0]
		}
		f.mu.Unlock()
		p.turnMu <- struct{}{}
		if c != nil {
			_ = p.m.leave(context.Background(), c)
		}
		<-p.turnMu
	}
	linger := time.Duration(0)
	f.mu.Lock()
	p.gone = true
	if !clean {
		linger = time.Duration(f.rng.Int64N(int64(2 * time.Second)))
	}
	for i, other := range f.members {
		if other == p {
			f.members = append(f.members[:i], f.members[i+1:]...)
			break
		}
	}
	f.mu.Unlock()
	go func() {
		time.Sleep(linger)
		f.mu.Lock()
		defer f.mu.Unlock()
		for c := range f.sessions {
			if c.owner == p {
				f.endLocked(c)
			}
		}
	}()
}

// befall has one thing happen. What makes a newcomer of a member, with nothing but the
// kept room for its connection, happens to one at a time.
func (f *fleetOf) befall() {
	f.mu.Lock()
	p := f.members[f.rng.IntN(len(f.members))]
	what := f.rng.IntN(14)
	defer func() {
		if *simSeed >= 0 {
			fmt.Println("EVENT", what, p.m.id)
		}
	}()
	n := len(f.members)
	alone := time.Since(f.newcomer) > 3*simInterval
	away := 0
	for _, other := range f.members {
		if other.frozen != nil || other.dark {
			away++
		}
	}
	length := func(d time.Duration) time.Duration { return time.Duration(f.rng.Int64N(int64(d))) }
	switch {
	case what < 3: // demand
		p.demand = 1 + f.rng.IntN(2*f.limit)
	case what < 5:
		p.demand = 1
	case what == 5 && len(p.conns) > 0: // DISCARD ALL
		c := p.conns[f.rng.IntN(len(p.conns))]
		c.pub, c.locked = publication{}, false
	case what == 6 && p.frozen == nil && !p.dark: // an operator ends the session that publishes
		var last *simSession
		for c := range f.sessions {
			if c.owner == p && (last == nil || c.pub.seq > last.pub.seq) {
				last = c
			}
		}
		if last != nil {
			f.endLocked(last)
		}
	case what == 7 && p.frozen == nil && !p.dark: // all sessions of a member are reset; it knows at once or soon
		for c := range f.sessions {
			if c.owner == p {
				f.endLocked(c)
			}
		}
	case what == 8:
		f.slowness = length(800 * time.Millisecond)
	case what == 9 && !p.dark && away == 0 && alone:
		f.newcomer = time.Now().Add(10 * time.Second)
		thaw := make(chan struct{})
		p.frozen = thaw
		d := length(10 * time.Second)
		go func() {
			time.Sleep(d)
			f.mu.Lock()
			p.frozen = nil
			f.mu.Unlock()
			close(thaw)
		}()
	case what == 10 && !p.dark && away == 0 && alone: // a partition, which the server sees after a while
		f.newcomer = time.Now().Add(12 * time.Second)
		p.dark = true
		drop, heal := length(6*time.Second), length(12*time.Second)
		go func() {
			time.Sleep(drop)
			f.mu.Lock()
			for c := range f.sessions {
				if c.owner == p {
					f.endLocked(c)
				}
			}
			f.mu.Unlock()
		}()
		go func() {
			time.Sleep(heal)
			f.mu.Lock()
			p.dark = false
			f.mu.Unlock()
		}()
	case what == 11 && (alone || away == 1): // a restart, perhaps while a member is away
		f.newcomer = time.Now().Add(12 * time.Second)
		f.down = true
		for c := range f.sessions {
			f.endLocked(c)
		}
		d := length(6 * time.Second)
		go func() {
			time.Sleep(d)
			f.mu.Lock()
			f.down = false
			f.mu.Unlock()
		}()
	case what == 12 && alone: // as many at once as room is kept for
		f.newcomer = time.Now()
		var demands []int
		for range min(1+f.rng.IntN(kept(f.limit, n)), f.limit-n-1) {
			demands = append(demands, 1+f.rng.IntN(f.limit))
		}
		f.mu.Unlock()
		for _, demand := range demands {
			f.join(demand)
		}
		return
	case what == 13 && n > 2 && p.frozen == nil && !p.dark:
		clean := f.rng.IntN(2) == 0
		f.mu.Unlock()
		f.leave(p, clean)
		return
	}
	f.mu.Unlock()
}

// settle ends what befalls, gives every member a demand that stays, and checks that all
// have what they should within three intervals, and keep it.
func (f *fleetOf) settle() {
	f.mu.Lock()
	f.slowness = 0
	f.mu.Unlock()
	time.Sleep(20 * time.Second) // whatever is frozen, dark or down ends
	f.mu.Lock()
	for _, p := range f.members {
		p.demand = 1
		if f.rng.IntN(3) == 0 {
			p.demand = 1 + f.rng.IntN(f.limit)
		}
	}
	f.mu.Unlock()
	time.Sleep(3*simInterval - f.converge("demand changes", 3))
	f.mu.Lock()
	for _, p := range f.members {
		p.steps = []int{p.cap}
	}
	f.mu.Unlock()
	time.Sleep(4 * simInterval)
	if lacks := f.lacks(); lacks != "" {
		f.t.Errorf("seed %d: four intervals later: %s", f.seed, lacks)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.members {
		// What others give back may come in two steps, but nothing that was taken is given back. A member whose newest
		// publication went with an idle connection allows itself what fits beside the older ones that are left, for a
		// turn: it may step down too far, and back.
		n := len(p.steps)
		back := n == 3 && p.steps[1] > p.steps[0] && p.steps[2] < p.steps[1]
		beyond := n == 3 && p.steps[1] < p.steps[0] && p.steps[2] > p.steps[0]
		if n > 3 || back || beyond {
			f.t.Errorf("seed %d: member %d changed its share while demand stood still: %v", f.seed, p.m.id, p.steps)
		}
	}
}

// converge waits until each member has what is due to it, and checks that this takes no
// more than so many intervals.
func (f *fleetOf) converge(after string, intervals int) (took time.Duration) {
	began, look := time.Now(), simInterval/20
	if len(f.members) > 500 {
		look = simInterval / 4 // a look takes the machine a while
	}
	lacks := f.lacks()
	for ; lacks != "" && took < time.Duration(intervals)*simInterval; lacks = f.lacks() {
		time.Sleep(look)
		took = time.Since(began)
	}
	if lacks != "" {
		f.t.Errorf("seed %d: %s, and %d intervals later: %s", f.seed, after, intervals, lacks)
	}
	f.took[after] = append(f.took[after], took)
	return took
}

// lacks tells of a member that does not have what is due to it, if there is one.
func (f *fleetOf) lacks() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.members {
		var peers []peer
		for _, other := range f.members {
			if other != p {
				peers = append(peers, peer{id: other.m.id, counts: other.cap, open: len(other.conns), want: max(1, other.demand)})
			}
		}
		mine, level, _ := share(f.limit, self{p.m.id, p.cap, max(1, p.demand), MostConns}, peers)
		if due := min(mine, p.demand, level); p.cap < due {
			return fmt.Sprintf("member %d of %d has %d, wants %d, and %d are due to it: %+v\n%s", p.m.id, len(f.members), p.cap, p.demand, due, p, f.tellLocked())
		}
		if len(p.conns) == 0 {
			return fmt.Sprintf("member %d has no connection", p.m.id)
		}
	}
	return ""
}

// A fleet is never above its limit, gives each member what is due to it within three
// intervals after demand has changed or all have started, and stands still while demand
// does. Most need two at most; where demand changes for all at once, a few need longer.
func TestRandomFleetsKeepTheirLimit(t *testing.T) {
	took := map[string][]time.Duration{}
	for seed := range *simSeeds {
		if *simSeed >= 0 {
			seed = *simSeed
		}
		synctest.Test(t, func(t *testing.T) { simulate(t, uint64(seed), took) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for after, all := range took {
		slices.Sort(all)
		t.Logf("%s: all have what is due to them after %.2f intervals in half of %d fleets, after %.2f in all",
			after, all[len(all)/2].Seconds()/simInterval.Seconds(), len(all), all[len(all)-1].Seconds()/simInterval.Seconds())
	}
}

func simulate(t *testing.T, seed uint64, took map[string][]time.Duration) {
	rng := rand.New(rand.NewPCG(seed, 0))
	n := 2 + rng.IntN(12)
	most := n + 2 + rng.IntN(60)
	switch {
	case seed%50 == 49:
		n, most = 1000, 1002+rng.IntN(3000)
	case seed%10 == 9:
		n = 50 + rng.IntN(50)
		most = n + 2 + rng.IntN(300)
	}
	f := newSim(t, seed, most)
	f.took = took
	for range n {
		f.join(1 + rng.IntN(most))
	}
	f.converge("all start", 3)
	events := 60
	if n == 1000 {
		events = 10
	}
	for range events {
		time.Sleep(time.Duration(rng.Int64N(int64(simInterval))))
		f.befall()
	}
	f.settle()
	f.mu.Lock()
	f.rush = true
	n = min(1+rng.IntN(2*len(f.members)), f.limit-len(f.members)-2)
	f.mu.Unlock()
	for range n {
		f.join(1 + rng.IntN(most))
	}
	f.settle()
	f.end()
	f.mustHold()
}
