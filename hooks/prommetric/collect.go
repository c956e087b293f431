package prommetric

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sqlpool_"+name, help, append([]string{"pool"}, labels...), nil)
}

var (
	connections     = desc("connections", "Connections by state; together never above the maximum.", "state")
	connectionsMax  = desc("connections_max", "The most connections that may exist at once.")
	waiting         = desc("acquires_waiting", "Acquires in the queue.")
	state           = desc("state", "How the pool stands with its database: 1 for the state it is in.", "state")
	healthState     = desc("health", "How callers fare: 1 for the state it is in.", "state")
	leaks           = desc("leaks", "Loans that are out and not used for too long.")
	oldestLoan      = desc("oldest_loan_seconds", "How long the longest loan is out, whether it is used or not; 0 when none is.")
	fleetMax        = desc("fleet_connections_max", "The most connections that all pools of the group may have together.")
	fleetShare      = desc("fleet_share", "Of those, how many this pool may have now.")
	fleetWanted     = desc("fleet_wanted", "How many this pool would like to have.")
	fleetFree       = desc("fleet_free", "Of those, how many no pool may take without asking; negative above the maximum.")
	fleetMembers    = desc("fleet_members", "The pools of the group.")
	acquireFailures = desc("acquire_failures_total", "Acquires that failed, by kind.", "kind")
	dialFailures    = desc("dial_failures_total", "Dials that failed.")
	closes          = desc("closes_total", "Connections closed, by reason.", "reason")
	misuses         = desc("misuses_total", "Releases of loans that were not held.")
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		connections, connectionsMax, waiting, state, healthState, leaks, oldestLoan,
		fleetMax, fleetShare, fleetWanted, fleetFree, fleetMembers, acquireFailures, dialFailures, closes, misuses,
	} {
		ch <- d
	}
	m.wait.Describe(ch)
	m.held.Describe(ch)
	m.dial.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, metric := range m.gather((*series).metrics) {
		ch <- metric
	}
	m.wait.Collect(ch)
	m.held.Collect(ch)
	m.dial.Collect(ch)
}

// gather asks every series. Nothing is sent meanwhile: a reader that is slow
// must not hold up a close.
func (m *Metrics) gather(ask func(s *series, name string) []prometheus.Metric) (all []prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, s := range m.series {
		all = append(all, ask(s, name)...)
	}
	return all
}

func (s *series) metrics(name string) (all []prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), append([]string{name}, labels...)...))
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{name}, labels...)...))
	}
	t := s.read()
	if len(s.pools) > 0 {
		gauge(connections, t.Idle, "idle")
		gauge(connections, t.InUse, "in_use")
		gauge(connections, t.Dialing, "dialing")
		gauge(connections, t.Closing, "closing")
		gauge(connectionsMax, t.MaxConns)
		gauge(waiting, t.Waiting)
		for i, n := range t.states {
			gauge(state, n, sqlpool.State(i).String())
		}
		for i, n := range t.health {
			gauge(healthState, n, health.State(i).String())
		}
		if t.tellsLeaks {
			gauge(leaks, t.leaks)
		}
		if f := s.fleet(); f != nil {
			gauge(fleetMax, f.Limit)
			gauge(fleetShare, f.Share)
			gauge(fleetWanted, f.Want)
			gauge(fleetFree, f.Free)
			gauge(fleetMembers, len(f.Members))
		}
		all = append(all, prometheus.MustNewConstMetric(oldestLoan, prometheus.GaugeValue, s.oldestLoan().Seconds(), name))
	}
	counter(acquireFailures, t.TimeoutCount, "timeout")
	counter(acquireFailures, t.CanceledCount, "canceled")
	counter(acquireFailures, t.SaturatedCount, "saturated")
	counter(acquireFailures, t.UnavailableCount, "unavailable")
	counter(dialFailures, t.DialErrorCount)
	counter(misuses, t.MisuseCount)
	for code, n := range s.closes {
		counter(closes, n, code)
	}
	return all
}
