package bench

import (
	"encoding/json"
	"fmt"
	"os"
)

// tolerance is by how much a ratio may be worse than the baseline's.
const tolerance = 0.10

// Check compares a run with a stored one and lists what has become worse. A
// ratio is worse when even the better quartile of its rounds is more than a
// tenth worse than the baseline's median, and worse than the baseline's own
// worse quartile; so what swings widely has to get worse by more. A count is worse when it grew in three quarters of its rounds: for a
// count that does not depend on time, when it grew at all.
//
// A figure that the run lacks is an error as well, unless it is a part of a run;
// one that the baseline lacks is not: it is new.
func Check(run, baseline *Report) (worse []string) {
	measured := map[string]Figure{}
	for _, f := range run.Figures {
		measured[f.Key()] = f
	}
	for _, was := range baseline.Figures {
		if !was.Held {
			continue
		}
		f, ok := measured[was.Key()]
		switch {
		case !ok && !run.Partial:
			worse = append(worse, fmt.Sprintf("%s: not measured any more", was.Key()))
		case !ok:
		case was.IsCount():
			if f.Low > was.Value {
				worse = append(worse, fmt.Sprintf("%s: %.4g, and was %.4g", was.Key(), f.Value, was.Value))
			}
		case f.Measure.higherIsBetter():
			if f.High < min(was.Value*(1-tolerance), was.Low) {
				worse = append(worse, fmt.Sprintf("%s: %.2f× (%.2f–%.2f), and was %.2f×", was.Key(), f.Value, f.Low, f.High, was.Value))
			}
		default:
			if f.Low > max(was.Value*(1+tolerance), was.High) {
				worse = append(worse, fmt.Sprintf("%s: %.2f× (%.2f–%.2f), and was %.2f×", was.Key(), f.Value, f.Low, f.High, was.Value))
			}
		}
	}
	return worse
}

// Baseline is what is stored of a run: the figures that are held, and where they
// are from.
func (r *Report) Baseline() *Report {
	kept := *r
	kept.Figures = nil
	for _, f := range r.Figures {
		if f.Held {
			f.Own = 0 // of that machine and that moment
			kept.Figures = append(kept.Figures, f)
		}
	}
	return &kept
}

// Load reads a report.
func Load(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &r, nil
}

// Save writes a report, a figure a line, so that a change shows as what it is.
func (r *Report) Save(file string) error {
	head := *r
	head.Figures = nil
	text, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	const none = "\"figures\": null\n}"
	out := append(text[:len(text)-len(none)], "\"figures\": ["...)
	for i, f := range r.Figures {
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, "\n    "...), line...)
	}
	return os.WriteFile(file, append(out, "\n  ]\n}\n"...), 0o644)
}
