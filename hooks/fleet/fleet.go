package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// DefaultInterval is Config.Interval's default.
const DefaultInterval = 2 * time.Second

// Config configures a member. All members of a group must have the same Config.
type Config struct {
	// Group names the group: pools with the same name share the limit. Default: the
	// pool's name.
	Group string

	// MaxConns is the group's limit, at least 2 and at most 32767: the connections that
	// all members together may have. One of them is kept for a new member. Required.
	MaxConns int

	// Interval is the longest that a member goes without a reading, if a connection is
	// free for a moment within it. Default 2 s. A reading took 2 ms with 500
	// sessions in 25 members (BenchmarkReading, two shared cores), and up to two of them
	// come in each interval: with hundreds of members take a longer one. It should be
	// no shorter than the pool's SweepInterval.
	Interval time.Duration

	// AllDatabases makes the members in all databases of the server share. Default:
	// those in one database share.
	AllDatabases bool
}

// Fleet is one pool's membership. Use it in the Hooks of one Config only. Its
// methods may be called from any goroutine.
type Fleet struct {
	cfg     Config
	pool    atomic.Pointer[sqlpool.Pool]
	group   string
	classes classes
	query   string

	// due is set when a turn is wanted: the next connection that is free takes it.
	due   atomic.Bool
	timer *time.Timer

	// turn is a lock that is waited for with a context: it is held across round trips.
	turn   chan struct{}
	member *member // its id apart, only the holder of turn uses it

	publisher atomic.Pointer[link] // the session that published last

	// mu protects what follows. Nothing slow happens while it is held; the pool's own lock
	// is taken under it.
	mu      sync.Mutex
	demand  demand
	wanted  int   // of the present turn
	most    int   // the pool's own limit
	minIdle int   // as the pool was configured
	grant   grant // of the last turn
	lost    int   // sessions that the server has and the pool has given up
	id      uint32
	readAt  time.Time
	peers   []peer
	err     error // of the last turn
	joined  bool  // a turn has succeeded
	left    bool
}

// New returns the membership of one pool. It panics when the limit is not from 2 to
// 32767 or the interval is negative, because that is a mistake in the program.
func New(cfg Config) *Fleet {
	if cfg.MaxConns < 2 || cfg.MaxConns > MostConns {
		panic(fmt.Sprintf("fleet: MaxConns of %d: it must be from 2 to %d", cfg.MaxConns, MostConns))
	}
	if cfg.Interval < 0 {
		panic(fmt.Sprintf("fleet: Interval of %v: it must be more than 0", cfg.Interval))
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	return &Fleet{cfg: cfg, turn: make(chan struct{}, 1)}
}

// Hooks returns what goes into sqlpool.Config.Hooks. The pool's MaxConns is then the
// maximum of the member, and its MinIdle holds within the share. The fleet calls
// Pool.Resize while the pool is a member: a program's own Resize is overwritten.
func (f *Fleet) Hooks() sqlpool.Hooks {
	return sqlpool.Hooks{
		OnStart:      f.start,
		AfterConnect: f.connected,
		AfterRelease: f.released,
		WhileIdle:    f.idle,
		OnClose:      f.closed,
		OnSweep:      f.sweep,
		OnShutdown:   f.shutdown,
	}
}

// start makes the pool a member that has one connection at most.
func (f *Fleet) start(p *sqlpool.Pool) {
	if !f.pool.CompareAndSwap(nil, p) {
		panic("fleet: this Fleet serves another pool already; make one for each")
	}
	cfg := p.Config()
	f.group = f.cfg.Group
	if f.group == "" {
		f.group = p.Name()
	}
	f.classes = classesOf(f.group)
	f.query = f.classes.query(f.cfg.AllDatabases)
	f.most, f.minIdle = min(cfg.MaxConns, f.cfg.MaxConns), cfg.MinIdle
	f.demand.least = min(cfg.MinIdle, 2)
	f.wanted, f.grant = 1, grant{cap: 1, firm: 1, interval: f.cfg.Interval}
	f.member = newMember(1+rand.Uint32N(1<<32-2), f.cfg.MaxConns, f.most, f.cfg.Interval)
	f.timer = time.AfterFunc(f.cfg.Interval, func() { f.due.Store(true) })
	// Without MinIdle: no dial may begin before all OnStart hooks have run.
	f.resize(p, 1, 0)
}

func (f *Fleet) resize(p *sqlpool.Pool, maxConns, minIdle int) {
	if s := p.Stats(); s.MaxConns != maxConns || s.MinIdle != min(minIdle, maxConns) {
		_ = p.Resize(maxConns, min(minIdle, maxConns)) // fails only when the pool is closed
	}
}

// connected takes a new connection into the group, or takes back the locks of one whose
// session was reset.
func (f *Fleet) connected(ctx context.Context, c *sqlpool.Conn) error {
	if l, ok := c.Value(f).(*link); ok {
		return l.again(ctx)
	}
	l := &link{fleet: f, conn: c, born: time.Now()}
	if err := l.open(ctx); err != nil {
		return err
	}
	c.SetValue(f, l)
	f.mu.Lock()
	now := time.Now()
	open, _ := f.open()
	must, joined := f.grant.bound(now, 0, 1) < open, f.joined // beyond what may be dialed freely
	f.mu.Unlock()
	err := f.take(ctx, l, must)
	l.opened = true
	if err != nil && joined && soft(err) {
		return nil // it is told by Status; the next turn may do better
	}
	return err
}

// released runs at the end of each loan: one look at a flag.
func (f *Fleet) released(c *sqlpool.Conn) error {
	if f.due.Load() && f.due.CompareAndSwap(true, false) {
		c.Defer(f.work)
	}
	return nil
}

func (f *Fleet) idle(ctx context.Context, c *sqlpool.Conn) error {
	if f.due.Load() && f.due.CompareAndSwap(true, false) {
		return f.work(ctx, c)
	}
	return nil
}

// work takes a turn on a connection that is not lent. An error ends the connection.
func (f *Fleet) work(ctx context.Context, c *sqlpool.Conn) error {
	l, ok := c.Value(f).(*link)
	if !ok {
		f.due.Store(true)
		return nil
	}
	if err := f.take(ctx, l, false); err != nil && !soft(err) && !errors.Is(err, errNotKept) {
		return err
	}
	return nil
}

// take is one turn of the member on this connection. While another one is under way it
// waits for that if it must.
func (f *Fleet) take(ctx context.Context, l *link, must bool) error {
	select {
	case f.turn <- struct{}{}:
	default:
		if !must {
			return nil
		}
		select {
		case f.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-f.turn }()
	f.mu.Lock()
	if f.left {
		f.mu.Unlock()
		return nil
	}
	now := time.Now()
	f.demand.sample(f.pool.Load().Stats(), now)
	f.wanted = min(f.demand.turn(), f.most)
	f.mu.Unlock()

	err := f.member.turn(ctx, l, f)

	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.id = err, f.member.id
	f.grant, f.readAt = f.member.grant(), f.member.readAt
	f.peers = append(f.peers[:0], f.member.peers...)
	f.joined = f.joined || err == nil
	if errors.Is(err, errTaken) { // nothing has the number yet but this connection, which ends
		f.member.id = 1 + rand.Uint32N(1<<32-2)
	}
	f.member.hurry = f.member.hurry || err != nil
	f.timer.Reset(f.member.pause(rand.Float64()))
	return err
}

// open, want and limit implement local.
func (f *Fleet) open() (all, dialing int) {
	s := f.pool.Load().Stats()
	return s.Open, s.Dialing
}

func (f *Fleet) want() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wanted
}

func (f *Fleet) limit(g grant, lost int, read bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grant, f.lost = g, lost
	f.boundLocked(read)
}

// boundLocked has the pool keep to the grant. Between two calls nothing raises the
// bound, so that no second dial passes where one at a time may.
func (f *Fleet) boundLocked(read bool) {
	open, dialing := f.open()
	if read {
		dialing--
	}
	g := f.grant
	g.cap -= f.lost
	f.resize(f.pool.Load(), g.bound(time.Now(), open, dialing), f.minIdle)
}

// closed has a turn taken soon when the publication has gone with its session.
func (f *Fleet) closed(e sqlpool.Closed) {
	if l := f.publisher.Load(); l != nil && l.conn == e.Conn {
		f.due.Store(true)
	}
}

// sweep looks at the demand, and bounds the pool while the member cannot read.
func (f *Fleet) sweep(p *sqlpool.Pool) {
	s, now := p.Stats(), time.Now()
	f.mu.Lock()
	if f.left {
		f.mu.Unlock()
		return
	}
	f.demand.sample(s, now)
	f.boundLocked(false)
	f.mu.Unlock()
	if s.Waiting > 0 && s.Open >= s.MaxConns {
		f.due.Store(true)
	}
}

// leaveWithin bounds what leaving costs a Shutdown.
const leaveWithin = 250 * time.Millisecond

// shutdown tells the others that the member's connections are given back, if one is
// free to tell it.
func (f *Fleet) shutdown(ctx context.Context, p *sqlpool.Pool) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	defer f.timer.Stop()
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-f.turn }()
	f.mu.Lock()
	f.left = true
	f.mu.Unlock()
	f.resize(p, 1, 0)
	if s := p.Stats(); s.Idle == 0 {
		return
	}
	loan, err := p.Acquire(ctx)
	if err != nil {
		return
	}
	defer func() { _ = loan.Release() }()
	if l, ok := loan.Conn().Value(f).(*link); ok {
		_ = f.member.leave(ctx, l)
	}
}
