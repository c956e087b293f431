package otelmetric_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/otelmetric"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func newMetrics(t testing.TB) (*otelmetric.Metrics, *sdk.ManualReader) {
	t.Helper()
	reader := sdk.NewManualReader()
	m, err := otelmetric.New(sdk.NewMeterProvider(sdk.WithReader(reader)))
	must(t, err)
	return m, reader
}

func newPool(t testing.TB, cfg sqlpool.Config) *sqlpool.Pool {
	t.Helper()
	p, err := sqlpool.New(cfg)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func acquire(t testing.TB, p *sqlpool.Pool) sqlpool.Loan {
	t.Helper()
	loan, err := p.Acquire(context.Background())
	must(t, err)
	return loan
}

// collected returns what a reader sees, by name.
func collected(t testing.TB, r *sdk.ManualReader) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	must(t, r.Collect(context.Background(), &all))
	byName := make(map[string]metricdata.Metrics)
	for _, s := range all.ScopeMetrics {
		if s.Scope.SchemaURL != "https://opentelemetry.io/schemas/"+otelmetric.Version {
			t.Errorf("schema %q, version %q", s.Scope.SchemaURL, otelmetric.Version)
		}
		for _, m := range s.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

func sum(monotonic bool, points ...metricdata.DataPoint[int64]) metricdata.Sum[int64] {
	return metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: monotonic, DataPoints: points}
}

func point(value int64, attrs ...attribute.KeyValue) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Value: value, Attributes: attribute.NewSet(attrs...)}
}

func histogram(bounds []float64, counts []uint64, total, least, most float64, attrs ...attribute.KeyValue) metricdata.Histogram[float64] {
	n := uint64(0)
	for _, c := range counts {
		n += c
	}
	return metricdata.Histogram[float64]{
		Temporality: metricdata.CumulativeTemporality,
		DataPoints: []metricdata.HistogramDataPoint[float64]{{
			Attributes: attribute.NewSet(attrs...), Count: n, Sum: total, Bounds: bounds, BucketCounts: counts,
			Min: metricdata.NewExtrema(least), Max: metricdata.NewExtrema(most),
		}},
	}
}

var (
	fast = []float64{0, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
)

func at(bounds []float64, counts map[float64]uint64) []uint64 {
	all := make([]uint64, len(bounds)+1)
	for i, b := range bounds {
		all[i] = counts[b]
	}
	return all
}

// Names, units, kinds, attributes and values of all metrics after a scripted
// life: a dial of 50 ms, one holder for 2 s, one caller that waits for it, one
// that waits in vain.
func TestTheMetricsOfTheConventions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reader := newMetrics(t)
		server := fakedb.New()
		server.On(fakedb.Connect, fakedb.Fault{Delay: 50 * time.Millisecond})
		pool := newPool(t, sqlpool.Config{
			Connector: server.Connector(), Name: "orders", MaxConns: 1, MinIdle: 1, AcquireTimeout: 3 * time.Second,
			Hooks: []sqlpool.Hooks{m.Hooks()},
		})
		must(t, pool.Warm(context.Background()))
		holder := acquire(t, pool)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := pool.Acquire(ctx); err == nil {
			t.Fatal("two loans of one connection")
		}
		done := make(chan sqlpool.Loan)
		go func() { done <- acquire(t, pool) }()
		time.Sleep(time.Second)
		synctest.Wait()

		name := semconv.DBClientConnectionPoolName("orders")
		got := collected(t, reader)
		assert := func(want metricdata.Metrics) {
			t.Helper()
			got, ok := got[want.Name]
			if !ok {
				t.Errorf("no %s", want.Name)
				return
			}
			want.Description = got.Description
			metricdatatest.AssertEqual(t, want, got, metricdatatest.IgnoreTimestamp())
		}
		gauge := func(name, unit string, points ...metricdata.DataPoint[int64]) {
			t.Helper()
			assert(metricdata.Metrics{Name: name, Unit: unit, Data: sum(false, points...)})
		}
		gauge("db.client.connection.count", "{connection}",
			point(0, name, semconv.DBClientConnectionStateIdle), point(1, name, semconv.DBClientConnectionStateUsed))
		gauge("db.client.connection.idle.max", "{connection}", point(1, name))
		gauge("db.client.connection.idle.min", "{connection}", point(1, name))
		gauge("db.client.connection.max", "{connection}", point(1, name))
		gauge("db.client.connection.pending_requests", "{request}", point(1, name))
		assert(metricdata.Metrics{Name: "db.client.connection.timeouts", Unit: "{timeout}", Data: sum(true, point(1, name))})

		must(t, holder.Release())
		must(t, (<-done).Release())
		synctest.Wait()
		got = collected(t, reader)
		seconds := func(name string, data metricdata.Aggregation) {
			t.Helper()
			assert(metricdata.Metrics{Name: name, Unit: "s", Data: data})
		}
		seconds("db.client.connection.create_time", histogram(fast, at(fast, map[float64]uint64{.05: 1}), .05, .05, .05, name))
		seconds("db.client.connection.wait_time", histogram(fast, at(fast, map[float64]uint64{0: 1, 1: 1}), 1, 0, 1, name))
		seconds("db.client.connection.use_time", histogram(slow, at(slow, map[float64]uint64{.0005: 1, 2.5: 1}), 2, 0, 2, name))
		if len(got) != 11 {
			t.Errorf("%d metrics, want 11", len(got))
		}
	})
}

// leaking has so many leaks.
type leaking int

func (n leaking) Leaks() int { return int(n) }

func TestLeaksHealthAndTheOldestLoan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reader := newMetrics(t)
		open := func(s otelmetric.Sources) *sqlpool.Pool {
			return newPool(t, sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 1, Hooks: []sqlpool.Hooks{m.HooksOf(s)}})
		}
		first := open(otelmetric.Sources{Leaks: leaking(2)})
		open(otelmetric.Sources{Leaks: leaking(1)})
		loan := acquire(t, first)
		time.Sleep(90 * time.Second)
		got := collected(t, reader)
		name := semconv.DBClientConnectionPoolName("default")
		if oldest := got["sqlpool.loan.oldest"].Data.(metricdata.Gauge[float64]).DataPoints; len(oldest) != 1 || oldest[0].Value != 90 {
			t.Errorf("the oldest loan: %v", oldest)
		}
		metricdatatest.AssertEqual(t, metricdata.Metrics{
			Name: "sqlpool.leaks", Unit: "{loan}", Description: got["sqlpool.leaks"].Description,
			Data: metricdata.Gauge[int64]{DataPoints: []metricdata.DataPoint[int64]{point(3, name)}},
		}, got["sqlpool.leaks"], metricdatatest.IgnoreTimestamp())
		pools := int64(0)
		for _, p := range got["sqlpool.health"].Data.(metricdata.Gauge[int64]).DataPoints {
			pools += p.Value
			if state, _ := p.Attributes.Value("sqlpool.health.state"); state.AsString() == "degraded" && p.Value != 2 {
				t.Errorf("%d pools are degraded by leaks, want 2", p.Value)
			}
		}
		if pools != 2 {
			t.Errorf("the health of %d pools, want 2", pools)
		}
		must(t, loan.Release())
	})
}

func TestAClosedPoolTakesItsGaugesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reader := newMetrics(t)
		open := func() *sqlpool.Pool {
			return newPool(t, sqlpool.Config{
				Connector: fakedb.New().Connector(), MaxConns: 1, AcquireTimeout: time.Second,
				Hooks: []sqlpool.Hooks{m.Hooks()},
			})
		}
		timeouts := func() int64 {
			return collected(t, reader)["db.client.connection.timeouts"].Data.(metricdata.Sum[int64]).DataPoints[0].Value
		}
		most := func() (n int64) {
			if max, ok := collected(t, reader)["db.client.connection.max"].Data.(metricdata.Sum[int64]); ok {
				for _, p := range max.DataPoints {
					n += p.Value
				}
			}
			return n
		}
		first, second := open(), open()
		if n := most(); n != 2 {
			t.Errorf("two pools of one name may have %d connections, want 2", n)
		}
		for _, p := range []*sqlpool.Pool{first, second} {
			loan := acquire(t, p)
			if _, err := p.Acquire(context.Background()); err == nil {
				t.Fatal("two loans of one connection")
			}
			must(t, loan.Release())
		}
		must(t, first.Close())
		if a, b := most(), timeouts(); a != 1 || b != 2 {
			t.Errorf("one pool left: max %d, want 1; timeouts %d, want 2", a, b)
		}
		must(t, second.Close())
		if a, b := most(), timeouts(); a != 0 || b != 2 {
			t.Errorf("no pool left: max %d, want none; timeouts %d, want 2", a, b)
		}
		must(t, m.Unregister())
	})
}

func TestHooksServeOnePool(t *testing.T) {
	m, _ := newMetrics(t)
	cfg := sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{m.Hooks()}}
	newPool(t, cfg)
	defer func() {
		if recover() == nil {
			t.Error("a second pool was given the same hooks, and New did not panic")
		}
	}()
	newPool(t, cfg)
}

func TestMeasuringAllocatesNothing(t *testing.T) {
	m, _ := newMetrics(t)
	p := newPool(t, sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{m.Hooks()}})
	cycle := func() { must(t, acquire(t, p).Release()) }
	cycle()
	if n := testing.AllocsPerRun(1000, cycle); n != 0 {
		t.Errorf("%v allocations for an acquire and release", n)
	}
}

func BenchmarkAcquire(b *testing.B) {
	m, _ := newMetrics(b)
	for _, c := range []struct {
		name  string
		hooks func() sqlpool.Hooks
	}{{"without", func() sqlpool.Hooks { return sqlpool.Hooks{} }}, {"otelmetric", func() sqlpool.Hooks { return m.Hooks() }}} {
		b.Run(c.name, func(b *testing.B) {
			p := newPool(b, sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{c.hooks()}})
			b.ReportAllocs()
			for b.Loop() { // without helpers: Helper costs as much as the pool
				loan, err := p.Acquire(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				if err := loan.Release(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
