package sqlpool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/dialing"
	"github.com/sqlpool/go/sqlpool/internal/queue"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// Pool lends physical connections. Behind a *sql.DB it is opened with OpenDB;
// Acquire lends one directly. All methods may be called from any goroutine.
type Pool struct {
	cfg   Config // as validated, with defaults; never written after New (Resize changes the limits in stats)
	hooks compiled
	epoch time.Time // zero of now

	lastID atomic.Uint64

	sources stmts.Sources[*Conn] // of *sql.Stmts

	// generation grows when an error puts every connection under suspicion. A
	// connection proven in an older one is proven again before it is lent.
	generation atomic.Uint64

	// dials ends when Shutdown begins, life when it is over. Dials run under the
	// one, other background work under the other.
	dials, life       context.Context
	endDials, endLife context.CancelFunc
	work              sync.WaitGroup // every goroutine of the pool
	ending            sync.Once      // the OnShutdown hooks are called

	wantsPrimary bool // the connector was asked for a server that takes writes

	asking chan struct{} // one token for each idle connection that is being asked for a sign of life

	// mu protects what follows and the fields of Conn and session that say so.
	// Nothing slow happens while it is held: no hook, no driver, no channel
	// that could block.
	mu sync.Mutex

	conns   []*Conn // every connection that holds a slot, in no order
	idle    []*Conn // a stack: the one used last is lent first, so that the others can age out
	waiters queue.Queue[*Conn]
	expiry  expiry
	parked  parkedList

	// clock is the last reading of now that anybody made under mu, at most one
	// SweepInterval old. A release takes it for the time, because a reading of
	// its own would cost as much as the rest of it.
	clock int64

	inUse    int
	looking  int // of the next: those that the sweep looks at
	checking int // idle connections that are out of the stack for a moment
	closing  int
	dialing  []*dial // under way

	pacer   dialing.Pacer // when to dial, and whether to wait for the database
	redial  redial
	dialErr error // what the last failed dial said
	useful  bool  // a connection has proved itself, ever

	changes []StateChanged // of state, not yet told to OnState
	telling bool           // a goroutine is telling them

	closed  bool
	paused  bool          // see pause.go
	changed chan struct{} // closed and replaced when a dial ends or a slot frees; nil when nobody watches

	// stats has the counters and, because Resize may change them, the limits
	// MaxConns and MinIdle. Gauges are filled in when asked for.
	stats Stats
}

// New checks cfg and returns a pool that starts to open its MinIdle
// connections in the background. It does not wait for them: Warm does. The
// error is that of Config.Validate.
func New(cfg Config) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p := &Pool{cfg: cfg, hooks: compile(cfg.Hooks), epoch: time.Now()}
	p.life, p.endLife = context.WithCancel(context.Background())
	p.dials, p.endDials = context.WithCancel(p.life)
	if c, ok := cfg.Connector.(interface{ ReadWrite() bool }); ok {
		p.wantsPrimary = c.ReadWrite()
	}
	p.idle = make([]*Conn, 0, cfg.MaxConns)
	p.conns = make([]*Conn, 0, cfg.MaxConns)
	p.pacer = newPacer(&p.cfg)
	p.asking = make(chan struct{}, maxAsking)
	p.stats = Stats{Name: cfg.Name, MaxConns: cfg.MaxConns, MinIdle: cfg.MinIdle, CreatedAt: p.epoch}

	for _, start := range p.hooks.onStart {
		start(p)
	}
	p.mu.Lock()
	p.dialMoreLocked()
	p.mu.Unlock()
	p.work.Go(p.sweep)
	return p, nil
}

// Name returns Config.Name.
func (p *Pool) Name() string { return p.cfg.Name }

// Config returns the configuration in force, defaults filled in.
func (p *Pool) Config() Config {
	cfg := p.cfg
	p.mu.Lock()
	cfg.MaxConns, cfg.MinIdle = p.stats.MaxConns, p.stats.MinIdle
	p.mu.Unlock()
	cfg.Hooks = append([]Hooks(nil), cfg.Hooks...)
	return cfg
}

// isClosed reports whether Shutdown has begun, without mu.
func (p *Pool) isClosed() bool { return p.dials.Err() != nil }

// now is the pool's clock in nanoseconds. One reading of the monotonic clock
// is half the price of a time.Now.
func (p *Pool) now() int64 { return int64(time.Since(p.epoch)) }

// totalLocked counts the slots taken.
func (p *Pool) totalLocked() int {
	return len(p.idle) + p.checking + p.inUse + p.closing + len(p.dialing)
}

func (p *Pool) idleCountLocked() int { return len(p.idle) + p.checking }

// watchLocked returns a channel that is closed at the next change that
// changedLocked announces.
func (p *Pool) watchLocked() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

func (p *Pool) changedLocked() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Warm waits until MinIdle connections are open and validated (one, if MinIdle
// is 0) and returns nil, or the first dial error that comes up meanwhile as an
// *AcquireError, or the context's.
func (p *Pool) Warm(ctx context.Context) error {
	start := p.now()
	if p.Stats().MinIdle == 0 {
		loan, err := p.Acquire(ctx)
		if err != nil {
			return err
		}
		return loan.Release()
	}
	p.mu.Lock()
	errorsBefore := p.stats.DialErrorCount
	if !p.closed {
		p.wantLocked(p.now())
	}
	for {
		switch {
		case p.closed:
			p.mu.Unlock()
			return p.failure(ErrClosed, nil, PhaseDialing, start)
		case len(p.idle)+p.checking+p.inUse >= p.stats.MinIdle:
			p.mu.Unlock()
			return nil
		case p.stats.DialErrorCount > errorsBefore:
			p.mu.Unlock()
			return p.failure(ErrUnavailable, nil, PhaseDialing, start)
		}
		changed := p.watchLocked()
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return p.contextFailure(ctx, PhaseDialing, start)
		}
		p.mu.Lock()
	}
}
