package prommetric

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sqlpool/go/hooks/recycle"
)

// DBStats returns a collector of the same pools under the names of
// collectors.NewDBStatsCollector (see the package documentation for where each
// value comes from). A database must not be in both.
func (m *Metrics) DBStats() prometheus.Collector { return dbStats{m} }

type dbStats struct{ m *Metrics }

// Describe describes nothing. What is described holds for a whole registry, and
// the standard collector describes the same names with db_name as a constant
// label: one of the two would be refused.
func (dbStats) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (d dbStats) Collect(ch chan<- prometheus.Metric) {
	for _, metric := range d.m.gather((*series).dbStats) {
		ch <- metric
	}
}

// dbStats has the help texts as they are there: a registry refuses two of one
// name.
func (s *series) dbStats(name string) (all []prometheus.Metric) {
	add := func(kind prometheus.ValueType, metric, help string, v float64) {
		d := prometheus.NewDesc("go_sql_"+metric, help, nil, prometheus.Labels{"db_name": name})
		all = append(all, prometheus.MustNewConstMetric(d, kind, v))
	}
	gauge := func(metric, help string, v int) { add(prometheus.GaugeValue, metric, help, float64(v)) }
	total := func(metric, help string, v float64) { add(prometheus.CounterValue, metric+"_total", help, v) }

	t := s.read()
	if len(s.pools) > 0 {
		gauge("max_open_connections", "Maximum number of open connections to the database.", t.MaxConns)
		gauge("open_connections", "The number of established connections both in use and idle.", t.Idle+t.InUse)
		gauge("in_use_connections", "The number of connections currently in use.", t.InUse)
		gauge("idle_connections", "The number of idle connections.", t.Idle)
	}
	total("wait_count", "The total number of connections waited for.", float64(t.WaitCount))
	total("wait_duration_seconds", "The total time blocked waiting for a new connection.", t.WaitTime.Seconds())
	total("max_idle_closed", "The total number of connections closed due to SetMaxIdleConns.", 0)
	total("max_idle_time_closed", "The total number of connections closed due to SetConnMaxIdleTime.",
		float64(s.closes[recycle.CodeMaxIdleTime]))
	total("max_lifetime_closed", "The total number of connections closed due to SetConnMaxLifetime.",
		float64(s.closes[recycle.CodeMaxLifetime]))
	return all
}
