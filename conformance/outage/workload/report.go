//go:build unix

package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/sqlpool"
)

// Progress is how a soak goes.
type Progress struct {
	Elapsed                       time.Duration
	Statements                    int // sent through the proxy, transactions' own included
	Faulted                       int // of these, those that met a fault of their own
	Acknowledged, Failed, Unknown int // tokens, by what their callers know
	Events                        int // faults of the server and of the network as a whole
	Last                          string
}

// String is one line.
func (p Progress) String() string {
	return fmt.Sprintf("%4.0fs  %d statements, %d faulted; tokens: %d acknowledged, %d failed, %d unknown; %d events, last: %s",
		p.Elapsed.Seconds(), p.Statements, p.Faulted, p.Acknowledged, p.Failed, p.Unknown, p.Events, p.Last)
}

// Report is what came of a soak.
type Report struct {
	Driver  string
	Seed    uint64 // repeats its choices
	Elapsed time.Duration

	Statements int
	Faults     map[string]int // of single statements, by name
	Events     map[string]int // of everything at once, by name
	Audit      ledger.Audit
	Stats      sqlpool.Stats // of the pool before it was closed
}

// Faulted is the number of statements that met a fault of their own.
func (r Report) Faulted() (n int) {
	for _, times := range r.Faults {
		n += times
	}
	return n
}

// String is a page.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d, %v: %d statements, %d of them faulted\n", r.Driver, r.Seed, r.Elapsed.Round(time.Second), r.Statements, r.Faulted())
	for _, kind := range []map[string]int{r.Faults, r.Events} {
		for _, name := range slices.Sorted(maps.Keys(kind)) {
			fmt.Fprintf(&b, "  %-24s %7d\n", name, kind[name])
		}
	}
	a := r.Audit
	fmt.Fprintf(&b, "tokens: %d acknowledged, %d failed, %d unknown; the server has %d\n", a.Acknowledged, a.Failed, a.Unknown, a.Written)
	fmt.Fprintf(&b, "lost %d, written twice %d, failed and written %d, of no caller %d\n", len(a.Lost), len(a.Doubled), len(a.Ghosts), len(a.Strange))
	fmt.Fprintf(&b, "%d dials, %d of them failed; generation %d", r.Stats.DialCount, r.Stats.DialErrorCount, r.Stats.Generation)
	return b.String()
}
