// Package health reports the health of a pool: starting, healthy, degraded or
// unhealthy, with the reasons in words and since when.
//
// A Monitor judges the pool at each of its sweeps and at once when it loses or regains
// its database. Reading the last judgement takes no lock and allocates nothing. Live
// and Ready are http.Handlers for an orchestrator, Details is one for operators.
package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// State is a judgement.
type State int

const (
	// Healthy: callers get connections as they should.
	Healthy State = iota
	// Degraded: callers get connections, but something needs attention.
	Degraded
	// Unhealthy: callers get no connections.
	Unhealthy
	// Starting: no connection has been opened yet, and no dial has failed. It is not
	// ready, and nothing is wrong.
	Starting
)

// States are all states, in the order of their values.
var States = [...]State{Healthy, Degraded, Unhealthy, Starting}

// String returns "healthy", "degraded", "unhealthy" or "starting".
func (s State) String() string {
	return [...]string{"healthy", "degraded", "unhealthy", "starting"}[s]
}

// ReasonPaused is the reason while the pool is paused.
const ReasonPaused = "the pool is paused: acquires wait until it is resumed"

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Status is a judgement with its reasons.
type Status struct {
	State     State
	Reasons   []string  // in words, the gravest first; empty when healthy. Not to be changed
	Since     time.Time // when this state began
	CheckedAt time.Time // when it was last judged

	LastError   string // the last dial error or fatal error, or empty
	LastErrorAt time.Time
}

// Config configures a Monitor. The zero value is useful.
type Config struct {
	// Leaks counts loans that are held too long, for example a *leak.Detector.
	// With one or more, the pool is degraded. Default nil: not looked at.
	Leaks interface{ Leaks() int }

	// Fleet says what is wrong with the limit that the pool shares, for example a
	// *fleet.Fleet; an empty text means that nothing is wrong, any other that the pool is degraded. Default nil: not looked at.
	Fleet interface {
		Warning() (what string, why error)
	}

	// Waiting is how many acquires in the queue are too many. Default:
	// Config.MaxWaiters of the pool, or five for each connection where that is
	// not set.
	Waiting int

	// Timeouts is how many acquires that timed out or were refused within
	// Window are too many. Default 3.
	Timeouts int

	// Window is how far back Timeouts counts. Default 30 s.
	Window time.Duration

	// Keepalive pings connections that have been idle for this long, so that a
	// dead one is replaced before a caller meets it and network devices do not
	// forget it. They are pinged side by side, and one that does not answer has
	// all idle ones pinged. Default 0: off.
	Keepalive time.Duration

	// CheckOnAcquire pings every connection before it is lent: a round trip for
	// each acquire. Default off: the pool's look at the socket sees what closed,
	// and pings what is in doubt.
	CheckOnAcquire bool

	// OnChange is told of each change of state, in order, and must not block.
	OnChange func(from, to Status)
}

// Monitor judges one pool: it belongs into the Hooks of one Config only. Its
// methods may be called from any goroutine.
type Monitor struct {
	cfg  Config
	pool atomic.Pointer[sqlpool.Pool]
	last atomic.Pointer[judgement]

	// asked is when readiness was last asked for, in Unix nanoseconds: while that
	// is recent, an orchestrator waits for the database.
	asked atomic.Int64

	mu      sync.Mutex // one judgement at a time
	refused series     // acquires that failed
	writes  series     // that were refused because the server only reads
}

// judgement is a Status that can be told without its errors.
type judgement struct {
	Status
	brief []string // Reasons without the texts of errors
}

// New returns a monitor. Until its pool starts, its status is Starting.
func New(cfg Config) *Monitor {
	if cfg.Timeouts <= 0 {
		cfg.Timeouts = 3
	}
	if cfg.Window <= 0 {
		cfg.Window = 30 * time.Second
	}
	m := &Monitor{cfg: cfg}
	reasons := []string{"the pool has not started"}
	m.last.Store(&judgement{Status: Status{State: Starting, Reasons: reasons, Since: time.Now()}, brief: reasons})
	return m
}

// Hooks returns what goes into sqlpool.Config.Hooks of one pool: sqlpool.New panics for a
// second pool.
func (m *Monitor) Hooks() sqlpool.Hooks {
	h := sqlpool.Hooks{
		OnStart: m.start,
		OnSweep: func(p *sqlpool.Pool) { m.judge(); m.probe(p) },
		OnState: func(sqlpool.StateChanged) { m.judge() },
	}
	if m.cfg.Keepalive > 0 {
		h.WhileIdle = m.keepAlive
	}
	if m.cfg.CheckOnAcquire {
		h.BeforeAcquire = func(ctx context.Context, c *sqlpool.Conn) error { return c.Ping(ctx) }
	}
	return h
}

func (m *Monitor) start(p *sqlpool.Pool) {
	if !m.pool.CompareAndSwap(nil, p) {
		panic("health: this Monitor serves another pool already; make one for each")
	}
	m.judge()
}

// Status returns the last judgement. It takes no lock and allocates nothing.
func (m *Monitor) Status() Status { return m.last.Load().Status }

// readinessCounts is how long a question for readiness counts as a wish to know
// when the database is back.
const readinessCounts = 30 * time.Second

// probe has the pool dial at each sweep while the last judgement keeps callers
// away: they, whose waiting would bring the next dial, do not come until it is
// known that the database is back.
func (m *Monitor) probe(p *sqlpool.Pool) {
	if m.last.Load().State == Unhealthy && time.Since(time.Unix(0, m.asked.Load())) < readinessCounts {
		p.ProbeSoon()
	}
}

// keepAlive has an idle connection pinged once in each Keepalive.
func (m *Monitor) keepAlive(_ context.Context, c sqlpool.IdleConn) error {
	last, _ := c.Value(m).(time.Duration) // its age at the last ping
	age := c.Age()
	if min(age-last, c.IdleTime()) < m.cfg.Keepalive {
		return nil
	}
	c.KeepAlive()
	c.SetValue(m, age)
	return nil
}
