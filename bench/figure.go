package bench

import (
	"fmt"
	"math"
)

// Figure is one result: the ratio of a contender to another in a measure, or a
// count.
type Figure struct {
	Workload  string  `json:"workload"`
	Contender string  `json:"contender"`
	Against   string  `json:"against,omitempty"` // empty for a count
	Measure   measure `json:"measure"`

	// Value is the median over the rounds, Low and High their quartiles.
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`

	// Own is the median of the contender's own numbers: of this machine and
	// this moment, never compared with another run's.
	Own float64 `json:"own,omitempty"`

	// Held says that bench-check compares the figure with the baseline. A single
	// cell of the server's workloads swings more than the gate's width between
	// identical contenders, so only means over all operations are held.
	Held bool `json:"held,omitempty"`
}

// Key names the figure across runs.
func (f Figure) Key() string {
	return fmt.Sprintf("%s | %s | %s | %s", f.Workload, f.Contender, f.Against, f.Measure)
}

// IsCount says that the figure is no ratio.
func (f Figure) IsCount() bool { return f.Against == "" }

// add keeps a figure made of the rounds' values.
func (l *lab) add(f Figure, values []float64) {
	f.Value, f.Low, f.High = median(values), quantile(values, 0.25), quantile(values, 0.75)
	for _, v := range []float64{f.Value, f.Low, f.High, f.Own} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return // nothing to divide by, such as no CPU time in a very short stretch
		}
	}
	l.report.Figures = append(l.report.Figures, f)
}

// compare adds the entrants' ratios in some measures.
func (l *lab) compare(workload string, found turns, entrants []entrant, held bool, measures ...measure) {
	for _, e := range entrants {
		for _, m := range measures {
			f := Figure{
				Workload: workload, Contender: e.name, Against: e.against, Measure: m,
				Own: median(found.own(e.name, m)), Held: held && e.against != e.name && isOurs(e.name),
			}
			l.add(f, found.ratios(e.name, e.against, m))
		}
	}
}

// count adds a count of each entrant.
func (l *lab) count(workload string, found turns, entrants []entrant, held bool, measures ...measure) {
	for _, e := range entrants {
		for _, m := range measures {
			values := found.own(e.name, m)
			l.add(Figure{Workload: workload, Contender: e.name, Measure: m, Own: median(values), Held: held && isOurs(e.name)}, values)
		}
	}
}
