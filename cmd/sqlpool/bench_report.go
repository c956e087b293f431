package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sqlpool/go/bench"
)

// benchResult is what bench prints, and its JSON.
type benchResult struct {
	Verb    string        `json:"verb"`
	OK      bool          `json:"ok"`
	Error   string        `json:"error,omitempty"` // what ended the bench before its end
	Server  serverResult  `json:"server"`
	Drivers []benchDriver `json:"drivers"`
}

// benchDriver is what was measured on one driver. Figures are ratios of the pool
// to database/sql's own.
type benchDriver struct {
	Driver  string         `json:"driver"`
	Figures []bench.Figure `json:"figures"`
	Alone   float64        `json:"transaction_alone_ms"`
	Sizes   []bench.Size   `json:"sizes"`
	Advice  sizeAdvice     `json:"advice"`

	title string
}

// spread is how far the quartiles of a ratio's rounds may lie apart.
const spread = 1.3

func unsure(f bench.Figure) bool { return f.Low <= 0 || f.High/f.Low > spread }

// ratio is a figure in the report, marked when its rounds do not agree.
func ratio(f bench.Figure) string {
	mark := ""
	if unsure(f) {
		mark = "~"
	}
	return fmt.Sprintf("%s%.2fx", mark, f.Value)
}

// write prints the result for people.
func (r *benchResult) write(w io.Writer) error {
	var b strings.Builder
	version, _, _ := strings.Cut(r.Server.Version, " ")
	fmt.Fprintf(&b, "PostgreSQL %s\n", version)
	for _, d := range r.Drivers {
		fmt.Fprintf(&b, "\n%s: sqlpool against database/sql, in turn, medians of the ratios\n\n", d.title)
		fmt.Fprintf(&b, "  %-32s %12s %12s %12s %14s\n", "", "throughput", "p99", "client CPU", "here")
		for i := 0; i+2 < len(d.Figures); i += 3 { // throughput, p99 and CPU of a workload stand together
			f := d.Figures[i : i+3]
			fmt.Fprintf(&b, "  %-32s %12s %12s %12s %12.0f/s\n", f[0].Workload, ratio(f[0]), ratio(f[1]), ratio(f[2]), f[0].Own)
		}
		if slices.ContainsFunc(d.Figures, unsure) {
			b.WriteString("\n  ~ these differ too much from round to round to mean anything: measure for longer (--duration), on machines that\n" +
				"    do nothing else\n")
		}
		callers := 2 * d.Sizes[len(d.Sizes)-1].Conns
		fmt.Fprintf(&b, "\n%s: transactions by %d goroutines on pools of several sizes, the wait for a connection included\n\n", d.title, callers)
		fmt.Fprintf(&b, "  %-12s %14s %12s %12s\n", "connections", "per second", "p50, ms", "p99, ms")
		for _, s := range d.Sizes {
			fmt.Fprintf(&b, "  %-12d %14.0f %12.1f %12.1f\n", s.Conns, s.Throughput, s.P50, s.P99)
		}
		fmt.Fprintf(&b, "\n%s: a pool of %d connections (MaxConns) for each process\n\n", d.title, d.Advice.MaxConns)
		for _, reason := range d.Advice.Why {
			fmt.Fprintf(&b, "  - %s\n", reason)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
