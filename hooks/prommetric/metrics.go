package prommetric

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// Options change the buckets of the histograms. The zero value is the default.
type Options struct {
	// WaitBuckets, HeldBuckets and DialBuckets are upper bounds in seconds.
	// Default: from 100 µs to 30 s, 500 µs to 300 s, and 1 ms to 10 s.
	WaitBuckets, HeldBuckets, DialBuckets []float64

	// NativeBucketFactor, if above 1, makes the histograms native ones as well
	// (see prometheus.HistogramOpts): 1.1 is a good value.
	NativeBucketFactor float64
}

var (
	waitBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	heldBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	dialBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

// Metrics is a prometheus.Collector for the pools whose Config.Hooks have its
// Hooks. Its methods may be called from any goroutine.
type Metrics struct {
	wait, held, dial *prometheus.HistogramVec

	mu     sync.Mutex
	series map[string]*series // by pool name
}

// New returns a collector, to be registered. It can be before or after the
// pools are opened.
func New(o Options) *Metrics {
	histogram := func(name, help string, own, usual []float64) *prometheus.HistogramVec {
		if own == nil {
			own = usual
		}
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "sqlpool", Name: name, Help: help,
			Buckets: own, NativeHistogramBucketFactor: o.NativeBucketFactor,
		}, []string{"pool"})
	}
	return &Metrics{
		wait:   histogram("acquire_wait_seconds", "Time that acquires waited in the queue.", o.WaitBuckets, waitBuckets),
		held:   histogram("held_seconds", "Time from acquire to release.", o.HeldBuckets, heldBuckets),
		dial:   histogram("dial_seconds", "Time that successful dials took.", o.DialBuckets, dialBuckets),
		series: make(map[string]*series),
	}
}

// Sources provide what the pool itself does not know. The zero value is useful.
type Sources struct {
	// Leaks counts the pool's loans that are found leaking, for example a
	// *leak.Detector or drivers.LeaksOf. Default nil: there is no sqlpool_leaks.
	Leaks interface{ Leaks() int }

	// Health is the pool's monitor, for example drivers.HealthOf. Default nil: one
	// of these hooks' own, with Leaks and health.Config's defaults.
	Health *health.Monitor

	// Fleet is the limit that the pool shares, for example drivers.FleetOf. Default
	// nil: there is no sqlpool_fleet metric.
	Fleet *fleet.Fleet
}

// Hooks returns HooksOf without sources.
func (m *Metrics) Hooks() sqlpool.Hooks { return m.HooksOf(Sources{}) }

// HooksOf returns what goes into the Config.Hooks of one pool: sqlpool.New panics for a
// second pool.
func (m *Metrics) HooksOf(s Sources) sqlpool.Hooks {
	h := &hooks{metrics: m, sources: s}
	all := sqlpool.Hooks{
		OnStart:   h.start,
		OnOpen:    h.opened,
		OnAcquire: h.acquired,
		OnRelease: h.released,
		OnClose:   h.closed,
	}
	if s.Health == nil {
		h.sources.Health = health.New(health.Config{Leaks: s.Leaks})
		own := h.sources.Health.Hooks()
		all.OnStart = func(p *sqlpool.Pool) { h.start(p); own.OnStart(p) }
		all.OnSweep, all.OnState = own.OnSweep, own.OnState
	}
	return all
}

// Forget drops every series of a pool name. It is for pools that are closed: an open
// one is not counted any more.
func (m *Metrics) Forget(pool string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.series, pool)
	for _, h := range []*prometheus.HistogramVec{m.wait, m.held, m.dial} {
		h.DeleteLabelValues(pool)
	}
}

// hooks has the histograms of its pool at hand, so that nothing is looked up on
// the way. They are written before the first dial.
type hooks struct {
	metrics          *Metrics
	sources          Sources
	once             sync.Once
	series           *series
	wait, held, dial prometheus.Observer
}

func (h *hooks) start(p *sqlpool.Pool) {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		panic("prommetric: these hooks serve another pool already; call Hooks for each")
	}
	m, name := h.metrics, p.Name()
	h.wait, h.held, h.dial = m.wait.WithLabelValues(name), m.held.WithLabelValues(name), m.dial.WithLabelValues(name)
	h.series = m.add(member{p, h.sources})
}

func (h *hooks) opened(e sqlpool.Opened) {
	if e.Err == nil {
		h.dial.Observe(e.Took.Seconds())
	}
}

func (h *hooks) acquired(e sqlpool.Acquired) { h.wait.Observe(e.Waited.Seconds()) }
func (h *hooks) released(e sqlpool.Released) { h.held.Observe(e.Held.Seconds()) }

func (h *hooks) closed(e sqlpool.Closed) {
	code := sqlpool.ReasonCode(e.Reason)
	h.metrics.mu.Lock()
	h.series.closed(code)
	h.metrics.mu.Unlock()
}
