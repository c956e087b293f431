package prommetric_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/prommetric"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// scrapeEvery is how often the recorded series were read, as by a usual Prometheus.
const scrapeEvery = 15 * time.Second

// program is a service with a pool on a server of its own, for a recording.
type program struct {
	server *pgserver.Server
	db     *sql.DB
	pool   *sqlpool.Pool
}

// faults are what the alerts are tested with. Each runs for real, on a server of its
// own, while its program's metrics are read.
var faults = map[string]struct {
	conns   int
	callers int           // each with a statement every 100 ms
	takes   time.Duration // each statement, on the server
	length  time.Duration
	fault   func(ctx context.Context, t *testing.T, p *program)
}{
	"calm": {conns: 8, callers: 4, length: 2 * time.Minute, fault: func(context.Context, *testing.T, *program) {}},
	"restart": {conns: 8, callers: 4, length: 4 * time.Minute, fault: func(ctx context.Context, t *testing.T, p *program) {
		must(t, p.server.Restart(ctx, pgserver.Fast))
	}},
	"outage": {conns: 8, callers: 4, length: 5 * time.Minute, fault: func(ctx context.Context, t *testing.T, p *program) {
		must(t, p.server.Stop(ctx, pgserver.Immediate))
		wait(ctx, 210*time.Second)
		must(t, p.server.Start(ctx))
	}},
	// New connections are refused, those that are open serve all callers.
	"full": {conns: 8, callers: 2, length: 4 * time.Minute, fault: func(ctx context.Context, t *testing.T, p *program) {
		must(t, p.server.Exec(ctx, "ALTER ROLE app CONNECTION LIMIT 1"))
		for range 3 { // there is work for one more connection than may be had
			go func() {
				ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
				defer cancel()
				if c, err := p.db.Conn(ctx); err == nil {
					wait(ctx, time.Second)
					_ = c.Close()
				}
			}()
		}
	}},
	"leak": {conns: 8, callers: 4, length: 4 * time.Minute, fault: func(ctx context.Context, t *testing.T, p *program) {
		tx, err := p.db.BeginTx(context.WithoutCancel(ctx), nil)
		must(t, err)
		_, err = tx.Exec("SELECT 1")
		must(t, err) // and that was it
	}},
	"query": {conns: 8, callers: 4, length: 7 * time.Minute, fault: func(ctx context.Context, _ *testing.T, p *program) {
		_, _ = p.db.ExecContext(ctx, "SELECT pg_sleep(400)")
	}},
	"exhausted": {conns: 2, callers: 40, takes: 150 * time.Millisecond, length: 5 * time.Minute, fault: func(context.Context, *testing.T, *program) {}},
}

// TestRecordFaults writes the series that the alerts are tested with. It is run by
// hand when metrics change, and takes seven minutes:
//
//	SQLPOOL_RECORD=testdata/faults go test -timeout 20m -run TestRecordFaults .
func TestRecordFaults(t *testing.T) {
	folder := os.Getenv("SQLPOOL_RECORD")
	if folder == "" {
		t.Skip("no folder in SQLPOOL_RECORD: the recorded series are in testdata/faults")
	}
	must(t, os.MkdirAll(folder, 0o755))
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metrics := prommetric.New(prommetric.Options{})
			registry := prometheus.NewRegistry()
			must(t, registry.Register(metrics))
			server := pgserver.Run(t, pgserver.Options{})
			must(t, server.Exec(t.Context(), "CREATE ROLE app LOGIN"))
			endpoint := server.TCP()
			endpoint.User = "app"
			connector, err := pgxv5.Connector(endpoint.URL("postgres"))
			must(t, err)
			leaks := leak.New(leak.Config{})
			monitor := health.New(health.Config{Leaks: leaks})
			pool, err := sqlpool.New(sqlpool.Config{
				Connector: connector, Name: "orders", MaxConns: f.conns, MinIdle: 1, AcquireTimeout: time.Second,
				Hooks: []sqlpool.Hooks{leaks.Hooks(), monitor.Hooks(), metrics.HooksOf(prommetric.Sources{Leaks: leaks, Health: monitor})},
			})
			must(t, err)
			p := &program{server: server, pool: pool, db: sqlpool.OpenDB(pool)}
			must(t, pool.Warm(t.Context()))
			ctx, cancel := context.WithTimeout(t.Context(), f.length)
			defer cancel()
			for range f.callers {
				go p.work(ctx, f.takes)
			}
			go func() {
				if wait(ctx, 30*time.Second) {
					f.fault(ctx, t, p)
				}
			}()
			var r recording
			for tick := time.Tick(scrapeEvery); ctx.Err() == nil; {
				r.scrape(t, registry)
				select {
				case <-tick:
				case <-ctx.Done():
				}
			}
			must(t, os.WriteFile(filepath.Join(folder, name+".txt"), []byte(r.String()), 0o644))
			over, end := context.WithTimeout(context.Background(), time.Second)
			defer end()
			_ = pool.Shutdown(over) // with what the fault left out
		})
	}
}

func (p *program) work(ctx context.Context, takes time.Duration) {
	for wait(ctx, 100*time.Millisecond) {
		_, _ = p.db.ExecContext(ctx, fmt.Sprintf("SELECT pg_sleep(%g)", takes.Seconds()))
	}
}

// wait reports whether the time passed before the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// recording is series in the notation of promtool's unit tests: name and labels,
// then one value for each scrape, _ for none.
type recording struct {
	scrapes int
	values  map[string][]string
}

func (r *recording) scrape(t *testing.T, from prometheus.Gatherer) {
	families, err := from.Gather()
	must(t, err)
	if r.values == nil {
		r.values = map[string][]string{}
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name, labels := f.GetName(), m.GetLabel()
			switch {
			case m.Gauge != nil:
				r.note(name, labels, m.Gauge.GetValue())
			case m.Counter != nil:
				r.note(name, labels, m.Counter.GetValue())
			case m.Histogram != nil:
				h := m.Histogram
				for _, b := range h.GetBucket() {
					r.note(name+"_bucket", labels, float64(b.GetCumulativeCount()), "le", strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64))
				}
				r.note(name+"_bucket", labels, float64(h.GetSampleCount()), "le", "+Inf")
				r.note(name+"_count", labels, float64(h.GetSampleCount()))
				r.note(name+"_sum", labels, h.GetSampleSum())
			}
		}
	}
	r.scrapes++
	for series, values := range r.values {
		for len(values) < r.scrapes {
			values = append(values, "_")
		}
		r.values[series] = values
	}
}

func (r *recording) note(name string, labels []*dto.LabelPair, value float64, more ...string) {
	all := []string{`job="app"`, `instance="app:8080"`}
	for _, l := range labels {
		all = append(all, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if len(more) > 0 {
		all = append(all, fmt.Sprintf("%s=%q", more[0], more[1]))
	}
	slices.Sort(all)
	series := name + "{" + strings.Join(all, ",") + "}"
	values := r.values[series]
	for len(values) < r.scrapes {
		values = append(values, "_")
	}
	r.values[series] = append(values, strconv.FormatFloat(math.Round(value*1e6)/1e6, 'f', -1, 64))
}

// String has a line for each series, a tab between name and values.
func (r *recording) String() string {
	var lines []string
	for series, values := range r.values {
		lines = append(lines, series+"\t"+strings.Join(values, " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}
