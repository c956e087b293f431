package sqlpool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

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

	lifetime

	wantsPrimary bool // the connector was asked for a server that takes writes

	pinging chan struct{} // one token for each idle connection that is being pinged

	// mu protects what follows and the fields of Conn and session that say so.
	// Nothing slow happens while it is held: no hook, no driver, no channel
	// that could block.
	mu sync.Mutex

	inventory
	line
	database

	// clock is the last reading of now that was made under mu, at most one
	// SweepInterval old. A release takes it for the time, because a reading of
	// its own would cost as much as the rest of it.
	clock int64

	closed  bool
	paused  bool          // see pause.go
	changed chan struct{} // closed and replaced when a dial ends or a slot frees; nil while no goroutine watches (see until)

	// stats has the counters that slots has not and, because Resize may change them,
	// the limits MaxConns and MinIdle. The rest is filled in when asked for.
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
	p.pacer = newPacer(&p.cfg)
	p.expiry.Ring, p.revoke.Ring, p.redial.Ring = p.expire, p.revokeForWaiters, p.dialLater
	p.pinging = make(chan struct{}, maxPinging)
	p.stats = Stats{Name: cfg.Name, MaxConns: cfg.MaxConns, MinIdle: cfg.MinIdle, CreatedAt: p.epoch}

	for _, start := range p.hooks.onStart {
		start(p)
	}
	p.dialMore()
	p.work.Go(p.sweep)
	return p, nil
}

// Name returns Config.Name.
func (p *Pool) Name() string { return p.cfg.Name }

// Config returns the configuration in force, defaults filled in.
func (p *Pool) Config() Config {
	cfg, s := p.cfg, p.Stats()
	cfg.MaxConns, cfg.MinIdle = s.MaxConns, s.MinIdle
	cfg.Hooks = append([]Hooks(nil), cfg.Hooks...)
	return cfg
}

// isClosed reports whether Shutdown has begun, without mu.
func (p *Pool) isClosed() bool { return p.dials.Err() != nil }

// now is the pool's clock in nanoseconds. One reading of the monotonic clock
// is half the price of a time.Now.
func (p *Pool) now() int64 { return int64(time.Since(p.epoch)) }

// until returns when done does not report false any more. That is called under the
// lock, now and after each change that changedLocked announces. The error is ctx's.
func (p *Pool) until(ctx context.Context, done func() bool) error {
	for {
		changed := p.unless(done)
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unless returns nil when it is done, else what is closed at the next change.
func (p *Pool) unless(done func() bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done() {
		return nil
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// changedLocked announces that a dial has ended, a slot is free or Resize has changed
// the limits.
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
	start, before := p.now(), p.Stats()
	if before.MinIdle == 0 {
		loan, err := p.Acquire(ctx)
		if err != nil {
			return err
		}
		return loan.Release()
	}
	p.ProbeSoon()
	var kind error
	err := p.until(ctx, func() bool {
		switch {
		case p.closed:
			kind = ErrClosed
		case p.slots.Open() >= p.stats.MinIdle:
		case p.slots.DialErrors > before.DialErrorCount:
			kind = ErrUnavailable
		default:
			return false
		}
		return true
	})
	switch {
	case err != nil:
		return p.contextFailure(ctx, PhaseDialing, start)
	case kind != nil:
		return p.failure(kind, nil, PhaseDialing, start)
	}
	return nil
}
