package main

import (
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
)

// demoResult is what demo prints, and its JSON.
type demoResult struct {
	Verb     string         `json:"verb"`
	OK       bool           `json:"ok"`
	Error    string         `json:"error,omitempty"` // what ended the demo before its end
	Server   serverResult   `json:"server"`
	Settings demoSettings   `json:"settings"`
	Page     string         `json:"page,omitempty"` // where it was live
	Drivers  []driverResult `json:"drivers"`
}

type serverResult struct {
	Version string `json:"version"`
	Private bool   `json:"private"`
}

type demoSettings struct {
	Duration   float64 `json:"duration_seconds"`
	Goroutines int     `json:"goroutines"`
	MaxConns   int     `json:"max_conns"`
	Seed       uint64  `json:"seed"`
}

// driverResult is the workload on one driver. Counts on the server are those of the pool's own connections.
type driverResult struct {
	Driver       string           `json:"driver"`
	Seconds      float64          `json:"seconds"`
	Ran          workload.Counts  `json:"ran"`
	Throughput   throughput       `json:"throughput"`
	AcquireWait  waits            `json:"acquire_wait"`
	Dials        uint64           `json:"dials"`
	DialErrors   uint64           `json:"dial_errors"`
	Prepares     prepares         `json:"prepares"`
	BackendsPeak counted          `json:"backends_peak"`
	Replicas     *replicasResult  `json:"replicas,omitempty"` // nil without --replicas
	Outage       *outageResult    `json:"outage,omitempty"`   // nil where the server was left alone
	Checks       []workload.Check `json:"checks"`

	title string
}

type throughput struct {
	Transfers  float64 `json:"transfers_per_second"`
	Statements float64 `json:"statements_per_second"`
}

// waits are over all acquires, those that found an idle connection included.
type waits struct {
	Acquires uint64  `json:"acquires"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
}

// prepares is a round of the workload of its own, counted on the server.
type prepares struct {
	Count       int    `json:"count"`
	Connections int    `json:"connections"`
	Texts       int    `json:"texts"`
	Repeated    int    `json:"most_per_text_and_connection"`
	Executions  int64  `json:"executions"`
	NotCounted  string `json:"not_counted,omitempty"` // why
}

// counted is a number that the server knows, or why it does not say.
type counted struct {
	Count      int    `json:"count"`
	How        string `json:"how,omitempty"`
	NotCounted string `json:"not_counted,omitempty"`
}

func (t *demoTrial) result(work *workload.Run) *driverResult {
	counts, took, stats, all := work.Counts(), work.Took(), t.pool.Stats(), t.waits.Read()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return &driverResult{
		Driver: t.driver.name, title: t.driver.title, Seconds: took.Seconds(), Ran: counts,
		Throughput: throughput{
			Transfers: float64(counts.Transfers) / took.Seconds(), Statements: float64(counts.Statements) / took.Seconds(),
		},
		AcquireWait: waits{
			Acquires: all.Total(),
			P50:      ms(min(all.Quantile(0.5), t.waits.Max())), P99: ms(min(all.Quantile(0.99), t.waits.Max())), Max: ms(t.waits.Max()),
		},
		Dials: stats.DialCount, DialErrors: stats.DialErrorCount,
	}
}

func (p prepares) check() workload.Check {
	const id, rule = "prepares", "no statement was prepared twice on one connection"
	if p.NotCounted != "" {
		return workload.Uncounted(id, rule, p.NotCounted)
	}
	return workload.Require(id, rule, p.Repeated <= 1, "one was prepared %d times", p.Repeated)
}

func (c counted) check(maxConns int) workload.Check {
	const id, rule = "backends", "the server never saw more than max-conns backends"
	if c.NotCounted != "" {
		return workload.Uncounted(id, rule, c.NotCounted)
	}
	return workload.Require(id, rule, c.Count <= maxConns, "it saw %d, with max-conns %d", c.Count, maxConns)
}

// failed counts the failed checks of all drivers.
func (r *demoResult) failed() (n int) {
	for _, d := range r.Drivers {
		for _, c := range d.Checks {
			if c.Status == workload.Failed {
				n++
			}
		}
	}
	return n
}
