package bench

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestTheGate(t *testing.T) {
	held := func(m measure, against string, value, low, high float64) *Report {
		return &Report{Figures: []Figure{{
			Workload: "w", Contender: "sqlpool", Against: against, Measure: m, Value: value, Low: low, High: high, Held: true,
		}}}
	}
	ratio := func(value, low, high float64) *Report { return held(perOp, "plain", value, low, high) }
	rate := func(value, low, high float64) *Report { return held(throughput, "plain", value, low, high) }
	number := func(value, low, high float64) *Report { return held(dials, "", value, low, high) }
	other := held(p99, "plain", 1, 1, 1)
	part := held(p99, "plain", 1, 1, 1)
	part.Partial = true
	free := ratio(1, 1, 1)
	free.Figures[0].Held = false

	for _, tt := range []struct {
		name          string
		run, baseline *Report
		worse         string // a part of it; "" for none
	}{
		{"the same", ratio(1, 0.95, 1.05), ratio(1, 0.95, 1.05), ""},
		{"a tenth slower", ratio(1.1, 1.1, 1.1), ratio(1, 0.95, 1.05), ""},
		{"more than a tenth slower, and certain", ratio(1.2, 1.15, 1.25), ratio(1, 0.95, 1.05), "1.20× (1.15–1.25), and was 1.00×"},
		{"more than a tenth slower, but so wide that it may not be", ratio(1.2, 1.05, 1.35), ratio(1, 0.95, 1.05), ""},
		{"more than a tenth slower, but not slower than the baseline may have been", ratio(1.2, 1.15, 1.25), ratio(1, 0.8, 1.2), ""},
		{"faster", ratio(0.5, 0.4, 0.6), ratio(1, 0.95, 1.05), ""},
		{"less throughput, and certain", rate(0.8, 0.75, 0.85), rate(1, 0.95, 1.05), "0.80×"},
		{"less throughput, but so wide", rate(0.8, 0.65, 0.95), rate(1, 0.95, 1.05), ""},
		{"less throughput, but no less than the baseline may have had", rate(0.8, 0.75, 0.85), rate(1, 0.8, 1.2), ""},
		{"more throughput", rate(1.8, 1.75, 1.85), rate(1, 0.95, 1.05), ""},
		{"a count grew by one", number(5, 5, 5), number(4, 4, 4), "5, and was 4"},
		{"a count grew in a few rounds", number(4, 4, 5), number(4, 4, 4), ""},
		{"a count fell", number(3, 3, 3), number(4, 4, 4), ""},
		{"not measured any more", other, ratio(1, 1, 1), "not measured any more"},
		{"not measured in a part of a run", part, ratio(1, 1, 1), ""},
		{"a new figure", ratio(9, 9, 9), &Report{}, ""},
		{"a figure that is not held", ratio(9, 9, 9), free, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(Check(tt.run, tt.baseline), "\n")
			if tt.worse == "" && got != "" || !strings.Contains(got, tt.worse) {
				t.Errorf("got %q, want %q", got, tt.worse)
			}
		})
	}
}

func TestABaselineSurvivesItsFile(t *testing.T) {
	run := &Report{Machine: "linux/amd64", Go: "go1", Cores: 2, Modules: map[string]string{"m": "v1"}, Rounds: 7, Figures: []Figure{
		{Workload: "w", Contender: "sqlpool", Against: "plain", Measure: perOp, Value: 1, Low: 0.9, High: 1.1, Own: 300, Held: true},
		{Workload: "w", Contender: "plain", Measure: dials, Value: 1},
		{Workload: "v", Contender: "sqlpool", Measure: dials, Value: 4, Held: true},
	}}
	file := filepath.Join(t.TempDir(), "baseline.json")
	want := run.Baseline()
	if len(want.Figures) != 2 || want.Figures[0].Own != 0 {
		t.Errorf("stored: %+v", want.Figures)
	}
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}
