package otelmetric

import (
	"context"
	"sync"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// scope names the instrumentation.
const scope = "github.com/sqlpool/go/hooks/otelmetric"

// Metrics measures the pools whose Config.Hooks have its Hooks. Its methods may
// be called from any goroutine.
type Metrics struct {
	instruments
	registered metric.Registration

	mu     sync.Mutex
	series map[attribute.Distinct]*series
}

// New creates the instruments. The error is the provider's.
func New(provider metric.MeterProvider) (*Metrics, error) {
	meter := provider.Meter(scope, metric.WithSchemaURL(schemaURL))
	i, err := newInstruments(meter)
	if err != nil {
		return nil, err
	}
	m := &Metrics{instruments: i, series: make(map[attribute.Distinct]*series)}
	m.registered, err = meter.RegisterCallback(m.collect, i.observed()...)
	return m, err
}

// Unregister ends the collection of the metrics that are read from Pool.Stats. The
// histograms continue.
func (m *Metrics) Unregister() error { return m.registered.Unregister() }

// Sources provide what the pool itself does not know. The zero value is useful.
type Sources struct {
	// Leaks counts the pool's loans that are found leaking, for example a
	// *leak.Detector or drivers.LeaksOf. Default nil: there is no sqlpool.leaks.
	Leaks interface{ Leaks() int }

	// Health is the pool's monitor, for example drivers.HealthOf. Default nil: one
	// of these hooks' own, with Leaks and health.Config's defaults.
	Health *health.Monitor

	// Fleet is the limit that the pool shares, for example drivers.FleetOf. Default
	// nil: there is no sqlpool.fleet metric.
	Fleet *fleet.Fleet
}

// Hooks returns HooksOf without sources.
func (m *Metrics) Hooks(attributes ...attribute.KeyValue) sqlpool.Hooks {
	return m.HooksOf(Sources{}, attributes...)
}

// HooksOf returns what goes into the Config.Hooks of one pool: sqlpool.New panics for a
// second pool. The attributes are added to every metric of the pool, for example
// semconv.DBSystemNamePostgreSQL and semconv.ServerAddress: few and constant ones,
// because each combination is a time series.
func (m *Metrics) HooksOf(s Sources, attributes ...attribute.KeyValue) sqlpool.Hooks {
	h := &hooks{metrics: m, sources: s, attributes: append([]attribute.KeyValue(nil), attributes...)}
	all := sqlpool.Hooks{
		OnStart:   h.start,
		OnOpen:    h.opened,
		OnAcquire: h.acquired,
		OnRelease: h.released,
	}
	if s.Health == nil {
		h.sources.Health = health.New(health.Config{Leaks: s.Leaks})
		own := h.sources.Health.Hooks()
		all.OnStart = func(p *sqlpool.Pool) { h.start(p); own.OnStart(p) }
		all.OnSweep, all.OnState = own.OnSweep, own.OnState
	}
	return all
}

type hooks struct {
	metrics    *Metrics
	sources    Sources
	attributes []attribute.KeyValue
	once       sync.Once

	// labels is written before the first dial. A ready slice is what keeps
	// Record from allocating.
	labels []metric.RecordOption
}

func (h *hooks) start(p *sqlpool.Pool) {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		panic("otelmetric: these hooks serve another pool already; call Hooks for each")
	}
	set := attribute.NewSet(append(h.attributes, poolName(p.Name()))...)
	h.labels = []metric.RecordOption{metric.WithAttributeSet(set)}
	h.metrics.add(member{p, h.sources}, set)
}

func (h *hooks) opened(e sqlpool.Opened) {
	if e.Err == nil {
		h.metrics.createTime.Inst().Record(context.Background(), e.Took.Seconds(), h.labels...)
	}
}

func (h *hooks) acquired(e sqlpool.Acquired) {
	h.metrics.waitTime.Inst().Record(context.Background(), e.Waited.Seconds(), h.labels...)
}

func (h *hooks) released(e sqlpool.Released) {
	h.metrics.useTime.Inst().Record(context.Background(), e.Held.Seconds(), h.labels...)
}
