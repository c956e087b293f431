package otelmetric

import (
	"context"
	"sync"

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

// Unregister ends the collection of what is read from Pool.Stats. The
// histograms go on.
func (m *Metrics) Unregister() error { return m.registered.Unregister() }

// Hooks returns what goes into the Config.Hooks of one pool: New panics when a
// second pool is given them. The attributes are added to every metric of the
// pool, for example semconv.DBSystemNamePostgreSQL and semconv.ServerAddress:
// few and constant ones, because each combination is a time series.
func (m *Metrics) Hooks(attributes ...attribute.KeyValue) sqlpool.Hooks {
	h := &hooks{metrics: m, attributes: append([]attribute.KeyValue(nil), attributes...)}
	return sqlpool.Hooks{
		OnStart:   h.start,
		OnOpen:    h.opened,
		OnAcquire: h.acquired,
		OnRelease: h.released,
	}
}

type hooks struct {
	metrics    *Metrics
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
	h.metrics.add(p, set)
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
