package prommetric_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/prommetric"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// leaks is a detector that has found so many.
type leaks int

func (l leaks) Leaks() int { return int(l) }

func newPool(t testing.TB, m *prommetric.Metrics, cfg sqlpool.Config) *sqlpool.Pool {
	t.Helper()
	if cfg.Connector == nil {
		cfg.Connector = fakedb.New().Connector()
	}
	cfg.Hooks = append(cfg.Hooks, m.HooksOf(prommetric.Sources{Leaks: leaks(cfg.MaxConns)}))
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

// scripted leads a pool through a life of known times: dials of 50 ms, a holder
// for 2 s, a caller that gives up after 1 s and one that waits for 1 s, and a
// lifetime that ends with a loan.
func scripted(t testing.TB, m *prommetric.Metrics) *sqlpool.Pool {
	server := fakedb.New()
	server.On(fakedb.Connect, fakedb.Fault{Delay: 50 * time.Millisecond})
	p := newPool(t, m, sqlpool.Config{
		Connector: server.Connector(), Name: "orders", MaxConns: 1,
		Hooks: []sqlpool.Hooks{recycle.MaxLifetime(4*time.Second, 0)},
	})
	holder := acquire(t, p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := p.Acquire(ctx); err == nil {
		t.Fatal("two loans of one connection")
	}
	done := make(chan sqlpool.Loan)
	go func() { done <- acquire(t, p) }()
	time.Sleep(time.Second)
	must(t, holder.Release())
	waiter := <-done
	time.Sleep(3 * time.Second)
	must(t, waiter.Release())
	synctest.Wait()
	last := acquire(t, p)
	t.Cleanup(func() { last.Release() })
	synctest.Wait()
	return p
}

func TestOwnNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := prommetric.New(prommetric.Options{WaitBuckets: []float64{.1, 2}, HeldBuckets: []float64{1, 5}, DialBuckets: []float64{.1}})
		scripted(t, m)
		must(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP sqlpool_acquire_failures_total Acquires that failed, by kind.
# TYPE sqlpool_acquire_failures_total counter
sqlpool_acquire_failures_total{kind="canceled",pool="orders"} 0
sqlpool_acquire_failures_total{kind="saturated",pool="orders"} 0
sqlpool_acquire_failures_total{kind="timeout",pool="orders"} 1
sqlpool_acquire_failures_total{kind="unavailable",pool="orders"} 0
# HELP sqlpool_acquire_wait_seconds Time that acquires waited in the queue.
# TYPE sqlpool_acquire_wait_seconds histogram
sqlpool_acquire_wait_seconds_bucket{pool="orders",le="0.1"} 2
sqlpool_acquire_wait_seconds_bucket{pool="orders",le="2"} 3
sqlpool_acquire_wait_seconds_bucket{pool="orders",le="+Inf"} 3
sqlpool_acquire_wait_seconds_sum{pool="orders"} 1.1
sqlpool_acquire_wait_seconds_count{pool="orders"} 3
# HELP sqlpool_acquires_waiting Acquires in the queue.
# TYPE sqlpool_acquires_waiting gauge
sqlpool_acquires_waiting{pool="orders"} 0
# HELP sqlpool_closes_total Connections closed, by reason.
# TYPE sqlpool_closes_total counter
sqlpool_closes_total{pool="orders",reason="max_lifetime"} 1
# HELP sqlpool_connections Connections by state; together never above the maximum.
# TYPE sqlpool_connections gauge
sqlpool_connections{pool="orders",state="closing"} 0
sqlpool_connections{pool="orders",state="dialing"} 0
sqlpool_connections{pool="orders",state="idle"} 0
sqlpool_connections{pool="orders",state="in_use"} 1
# HELP sqlpool_connections_max The most connections that may exist at once.
# TYPE sqlpool_connections_max gauge
sqlpool_connections_max{pool="orders"} 1
# HELP sqlpool_dial_failures_total Dials that failed.
# TYPE sqlpool_dial_failures_total counter
sqlpool_dial_failures_total{pool="orders"} 0
# HELP sqlpool_dial_seconds Time that successful dials took.
# TYPE sqlpool_dial_seconds histogram
sqlpool_dial_seconds_bucket{pool="orders",le="0.1"} 2
sqlpool_dial_seconds_bucket{pool="orders",le="+Inf"} 2
sqlpool_dial_seconds_sum{pool="orders"} 0.1
sqlpool_dial_seconds_count{pool="orders"} 2
# HELP sqlpool_health How callers fare: 1 for the state it is in.
# TYPE sqlpool_health gauge
sqlpool_health{pool="orders",state="degraded"} 1
sqlpool_health{pool="orders",state="healthy"} 0
sqlpool_health{pool="orders",state="starting"} 0
sqlpool_health{pool="orders",state="unhealthy"} 0
# HELP sqlpool_held_seconds Time from acquire to release.
# TYPE sqlpool_held_seconds histogram
sqlpool_held_seconds_bucket{pool="orders",le="1"} 0
sqlpool_held_seconds_bucket{pool="orders",le="5"} 2
sqlpool_held_seconds_bucket{pool="orders",le="+Inf"} 2
sqlpool_held_seconds_sum{pool="orders"} 5
sqlpool_held_seconds_count{pool="orders"} 2
# HELP sqlpool_leaks Loans that are out and not used for too long.
# TYPE sqlpool_leaks gauge
sqlpool_leaks{pool="orders"} 1
# HELP sqlpool_misuses_total Releases of loans that were not held.
# TYPE sqlpool_misuses_total counter
sqlpool_misuses_total{pool="orders"} 0
# HELP sqlpool_oldest_loan_seconds How long the longest loan is out, whether it is used or not; 0 when none is.
# TYPE sqlpool_oldest_loan_seconds gauge
sqlpool_oldest_loan_seconds{pool="orders"} 0
# HELP sqlpool_state How the pool stands with its database: 1 for the state it is in.
# TYPE sqlpool_state gauge
sqlpool_state{pool="orders",state="closed"} 0
sqlpool_state{pool="orders",state="down"} 0
sqlpool_state{pool="orders",state="retrying"} 0
sqlpool_state{pool="orders",state="starting"} 0
sqlpool_state{pool="orders",state="up"} 1
`)))
	})
}

func TestNamesPassTheLinter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := prommetric.New(prommetric.Options{})
		scripted(t, m)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(m, m.DBStats())
		problems, err := testutil.GatherAndLint(registry)
		must(t, err)
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	})
}

// The standard collector's metrics, all of them and nothing else, differ in
// their values only.
func TestTheStandardCollectorsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := prommetric.New(prommetric.Options{})
		scripted(t, m)
		must(t, testutil.CollectAndCompare(m.DBStats(), strings.NewReader(`
# HELP go_sql_idle_connections The number of idle connections.
# TYPE go_sql_idle_connections gauge
go_sql_idle_connections{db_name="orders"} 0
# HELP go_sql_in_use_connections The number of connections currently in use.
# TYPE go_sql_in_use_connections gauge
go_sql_in_use_connections{db_name="orders"} 1
# HELP go_sql_max_idle_closed_total The total number of connections closed due to SetMaxIdleConns.
# TYPE go_sql_max_idle_closed_total counter
go_sql_max_idle_closed_total{db_name="orders"} 0
# HELP go_sql_max_idle_time_closed_total The total number of connections closed due to SetConnMaxIdleTime.
# TYPE go_sql_max_idle_time_closed_total counter
go_sql_max_idle_time_closed_total{db_name="orders"} 0
# HELP go_sql_max_lifetime_closed_total The total number of connections closed due to SetConnMaxLifetime.
# TYPE go_sql_max_lifetime_closed_total counter
go_sql_max_lifetime_closed_total{db_name="orders"} 1
# HELP go_sql_max_open_connections Maximum number of open connections to the database.
# TYPE go_sql_max_open_connections gauge
go_sql_max_open_connections{db_name="orders"} 1
# HELP go_sql_open_connections The number of established connections both in use and idle.
# TYPE go_sql_open_connections gauge
go_sql_open_connections{db_name="orders"} 1
# HELP go_sql_wait_count_total The total number of connections waited for.
# TYPE go_sql_wait_count_total counter
go_sql_wait_count_total{db_name="orders"} 3
# HELP go_sql_wait_duration_seconds_total The total time blocked waiting for a new connection.
# TYPE go_sql_wait_duration_seconds_total counter
go_sql_wait_duration_seconds_total{db_name="orders"} 1.1
`)))

		plain := sql.OpenDB(fakedb.Instant())
		defer plain.Close()
		want := shapes(t, collectors.NewDBStatsCollector(plain, "orders"))
		if got := shapes(t, m.DBStats()); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}

		both := prometheus.NewPedanticRegistry()
		both.MustRegister(m.DBStats(), collectors.NewDBStatsCollector(plain, "plain"))
		_, err := both.Gather()
		must(t, err)
	})
}

// shapes lists name, type, help and labels of a collector's metrics.
func shapes(t *testing.T, c prometheus.Collector) (all []string) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	must(t, err)
	for _, f := range families {
		labels := slices.Collect(func(yield func(*dto.LabelPair) bool) {
			for _, l := range f.GetMetric()[0].GetLabel() {
				yield(l)
			}
		})
		all = append(all, fmt.Sprintln(f.GetName(), f.GetType(), f.GetHelp(), labels))
	}
	return all
}

func TestReasonsAreBounded(t *testing.T) {
	m := prommetric.New(prommetric.Options{})
	p := newPool(t, m, sqlpool.Config{MaxConns: 1})
	for i := range 100 {
		must(t, acquire(t, p).Retire(&sqlpool.Reason{Code: fmt.Sprintf("made_up_%d\xff", i)}))
	}
	must(t, acquire(t, p).Release(), p.Close())
	if n := testutil.CollectAndCount(m, "sqlpool_closes_total"); n != 33 {
		t.Errorf("%d reasons, want 32 and other", n)
	}
	must(t, acquireFails(p))
}

func acquireFails(p *sqlpool.Pool) error {
	if _, err := p.Acquire(context.Background()); !errors.Is(err, sqlpool.ErrClosed) {
		return fmt.Errorf("acquire on a closed pool: %v", err)
	}
	return nil
}

func TestAClosedPoolTakesItsGaugesAlong(t *testing.T) {
	m := prommetric.New(prommetric.Options{})
	closes := func() (n float64) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(m)
		families, err := registry.Gather()
		must(t, err)
		for _, f := range families {
			if f.GetName() == "sqlpool_closes_total" {
				n = f.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return n
	}
	for i := range 3 { // the same name again and again
		p := newPool(t, m, sqlpool.Config{MaxConns: 1})
		must(t, acquire(t, p).Release())
		if n := testutil.CollectAndCount(m, "sqlpool_connections"); n != 4 {
			t.Errorf("%d series of an open pool, want 4", n)
		}
		must(t, p.Close())
		if n := testutil.CollectAndCount(m, "sqlpool_connections", "sqlpool_state"); n != 0 {
			t.Errorf("%d gauges of a closed pool", n)
		}
		if n := closes(); n != float64(i+1) {
			t.Errorf("%v closes, want %d", n, i+1)
		}
	}
	m.Forget(sqlpool.DefaultName)
	if n := testutil.CollectAndCount(m) + testutil.CollectAndCount(m.DBStats()); n != 0 {
		t.Errorf("%d series of a forgotten name", n)
	}
}

func TestHooksServeOnePool(t *testing.T) {
	cfg := sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{prommetric.New(prommetric.Options{}).Hooks()}}
	p, err := sqlpool.New(cfg)
	must(t, err)
	defer p.Close()
	defer func() {
		if recover() == nil {
			t.Error("a second pool was given the same hooks, and New did not panic")
		}
	}()
	sqlpool.New(cfg)
}

func TestMeasuringAllocatesNothing(t *testing.T) {
	p := newPool(t, prommetric.New(prommetric.Options{}), sqlpool.Config{Connector: fakedb.Instant()})
	cycle := func() { must(t, acquire(t, p).Release()) }
	cycle()
	if n := testing.AllocsPerRun(1000, cycle); n != 0 {
		t.Errorf("%v allocations for an acquire and release", n)
	}
}

func BenchmarkAcquire(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(map[bool]string{false: "without", true: "prommetric"}[with], func(b *testing.B) {
			cfg := sqlpool.Config{Connector: fakedb.Instant()}
			if with {
				cfg.Hooks = []sqlpool.Hooks{prommetric.New(prommetric.Options{}).Hooks()}
			}
			p, err := sqlpool.New(cfg)
			must(b, err)
			defer p.Close()
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

// The gauges that alerts are made of, without a detector and with a monitor of the
// hooks' own.
func TestTheLongestLoanAndTheHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := prommetric.New(prommetric.Options{})
		server := fakedb.New()
		p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), Name: "orders", Hooks: []sqlpool.Hooks{m.Hooks()}})
		must(t, err)
		defer p.Close()
		long, short := acquire(t, p), acquire(t, p)
		time.Sleep(40 * time.Second)
		must(t, short.Release())
		short = acquire(t, p)
		expect := func(oldest, healthy, unhealthy float64) {
			t.Helper()
			must(t, testutil.CollectAndCompare(m, strings.NewReader(fmt.Sprintf(`
# HELP sqlpool_health How callers fare: 1 for the state it is in.
# TYPE sqlpool_health gauge
sqlpool_health{pool="orders",state="degraded"} 0
sqlpool_health{pool="orders",state="healthy"} %g
sqlpool_health{pool="orders",state="starting"} 0
sqlpool_health{pool="orders",state="unhealthy"} %g
# HELP sqlpool_oldest_loan_seconds How long the longest loan is out, whether it is used or not; 0 when none is.
# TYPE sqlpool_oldest_loan_seconds gauge
sqlpool_oldest_loan_seconds{pool="orders"} %g
`, healthy, unhealthy, oldest)), "sqlpool_health", "sqlpool_oldest_loan_seconds", "sqlpool_leaks"))
		}
		expect(40, 1, 0)
		must(t, long.Release(), short.Release())
		server.SetDown(nil)
		server.KillAll()
		time.Sleep(2 * time.Second) // a sweep finds them dead
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx); err == nil {
			t.Fatal("acquired from a dead server")
		}
		time.Sleep(2 * time.Second)
		expect(0, 0, 1)
	})
}

// A database that was opened by name has a monitor and a detector, which the gauges
// are to be of: its pool is measured like one that was built by hand.
func TestADatabaseThatWasOpenedByName(t *testing.T) {
	metrics := prommetric.New(prommetric.Options{})
	open := func() error {
		db, err := sql.Open("sqlpool-pgx", "postgres://app@127.0.0.1:1/orders?sslmode=disable")
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = db.Close() })
		monitor, _ := drivers.HealthOf(db)
		leaks, _ := drivers.LeaksOf(db)
		if err := drivers.AddHooks(db, metrics.HooksOf(prommetric.Sources{Leaks: leaks, Health: monitor})); err != nil {
			return err
		}
		drivers.PoolOf(db)
		return nil
	}
	must(t, open())
	for _, name := range []string{"sqlpool_leaks", "sqlpool_health", "sqlpool_oldest_loan_seconds"} {
		if n := testutil.CollectAndCount(metrics, name); n == 0 {
			t.Errorf("no %s", name)
		}
	}
}
