package fleet

import (
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
	// all members together may have. Some of them are kept for new members. Required.
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

	closes chan struct{} // a connection has been closed

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
	return &Fleet{cfg: cfg, turn: make(chan struct{}, 1), closes: make(chan struct{}, 1)}
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
