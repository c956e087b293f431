package debugui

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/histogram"
	"github.com/sqlpool/go/sqlpool"
)

// Config configures a UI. The zero value is useful.
type Config struct {
	// Leaks adds the stacks of holders and marks those that hold too long.
	// Default nil: holders are shown as the pool knows them.
	Leaks *leak.Detector

	// Health gives the state with its reasons. Default nil: it is derived from the
	// pool's own state.
	Health *health.Monitor

	// Fleet adds the limit that the pool shares with others, and its members, for
	// example drivers.FleetOf. Default nil: not shown.
	Fleet *fleet.Fleet

	// Settings returns what is shown instead of the pool's own (Pool.Settings), for a
	// pool that was configured from somewhere else, for example Handle.Settings of
	// package drivers. It is called at each look, because a note may become true later:
	// that on SetMaxOpenConns, which programs often call after the page is mounted. Must
	// be safe for concurrent use. Default nil: the pool's own.
	Settings func() []sqlpool.Setting

	// Controls lets the page pause, resume, recycle and resize the pool. Default
	// false: such requests are refused. Every client that reaches the handler can
	// then use them; a web page of another site cannot (see control.go and hosts.go).
	Controls bool

	// Log gets a line for each use of a control, with the client's address: one that is
	// done at level Info, one that the pool refuses at Warn. Default slog.Default().
	Log *slog.Logger

	// Hosts are the names, without a port, under which browsers reach the page. With
	// Controls, or with any name here, a request is answered only if its Host is an
	// IP address, localhost or one of these. That refuses a site whose name is made
	// to lead to this machine (DNS rebinding). Default none: without Controls, the
	// page then answers under every name.
	Hosts []string

	// HideStatements leaves out the text of statements altogether.
	HideStatements bool

	// Redact is applied to every error text, after the package's own rules.
	// Must be safe for concurrent use.
	Redact func(string) string

	// Lifetime is the age at which a connection's ring is full. Default 1 h.
	Lifetime time.Duration
}

// UI is the page about one pool. Its methods may be called from any goroutine.
type UI struct {
	cfg    Config
	pool   atomic.Pointer[sqlpool.Pool]
	hooked bool // false: the pool has no hooks of this UI, which then reads its figures only

	acquire, held, dial *histogram.Histogram

	recycling atomic.Bool // by a control of the page

	// sampling is held from the first question to the last note of a sample, so
	// that an older answer is never compared with a newer one.
	sampling sync.Mutex

	mu      sync.Mutex // protects what follows
	events  timeline
	closes  map[string]uint64
	samples samples
	seen    seen

	// announcements has, for each connection by number, the loan that its
	// borrower was told of last: one that is lent beyond it is being validated.
	announcements map[uint64]*atomic.Uint64
}

// New returns a UI, whose Hooks go into the Config of its pool.
func New(cfg Config) *UI {
	if cfg.Lifetime <= 0 {
		cfg.Lifetime = time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	const precision = 3 // a figure is right within an eighth
	return &UI{
		cfg: cfg, hooked: true, closes: make(map[string]uint64), announcements: make(map[uint64]*atomic.Uint64),
		acquire: histogram.New(precision), held: histogram.New(precision), dial: histogram.New(precision),
	}
}

// Handler returns the page for a pool that runs already, without a UI's Hooks. The page
// has the state, connections and holders, but no percentiles, no reasons of closes and
// few events. For a pool of sql.Open, drivers.AddHooks gives all of them. leaks and
// monitor may be nil; they replace those in cfg.
func Handler(pool *sqlpool.Pool, leaks *leak.Detector, monitor *health.Monitor, cfg Config) http.Handler {
	cfg.Leaks, cfg.Health = leaks, monitor
	u := New(cfg)
	u.hooked = false
	u.pool.Store(pool)
	return u.Handler()
}

// Hooks returns what goes into sqlpool.Config.Hooks of one pool: sqlpool.New panics for
// a second pool. Put them last, so that an acquire that another hook refuses does not
// count as a loan.
func (u *UI) Hooks() sqlpool.Hooks {
	return sqlpool.Hooks{
		OnStart:   u.start,
		OnOpen:    u.opened,
		OnAcquire: u.acquired,
		OnRelease: u.released,
		OnClose:   u.closed,
		OnState:   u.changed,
		OnSweep:   func(*sqlpool.Pool) { u.sample(time.Now()) },
	}
}

// Handler returns the page, its text and JSON twins and its controls. It may be
// mounted at any path.
func (u *UI) Handler() http.Handler { return http.HandlerFunc(u.serve) }

// View returns the page's data, with the samples after since (0: all that are kept). It
// reports false before the pool has started.
func (u *UI) View(since uint64) (View, bool) {
	pool := u.pool.Load()
	if pool == nil {
		return View{}, false
	}
	return u.look(pool, since), true
}

func (u *UI) start(p *sqlpool.Pool) {
	if !u.pool.CompareAndSwap(nil, p) {
		panic("debugui: this UI serves another pool already; make one for each")
	}
}
