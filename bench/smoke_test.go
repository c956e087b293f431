package bench

import (
	"os"
	"regexp"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	ServeRelay()
	os.Exit(m.Run())
}

// Every workload runs once, so that none breaks unnoticed. Its figures mean nothing.
func TestEveryWorkloadRuns(t *testing.T) {
	begun := time.Now()
	report, err := Run(t.Context(), Options{
		Short: true, Rounds: 1, Scale: 0.02,
		// Each operation, each number of goroutines, and what the bars ask for.
		Cells: regexp.MustCompile(`unix socket, (one argument|SELECT 1, 256|.*, (64|8)$)|1 ms away, (SELECT 1, 256|transaction.*, 64$)`),
		Progress: func(workload string, done float64) {
			if done < 0 || done > 1.0001 {
				t.Errorf("%s: %v done", workload, done)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d figures in %v", len(report.Figures), time.Since(begun))
	for _, v := range report.budget() {
		if !v.known {
			t.Errorf("no workload measures %q", v.what)
		}
	}
	if worse := Check(report, report.Baseline()); len(worse) > 0 {
		t.Errorf("worse than itself: %q", worse)
	}
	for name, c := range report.charts() {
		if len(c.lines) < 4 {
			t.Errorf("%s has only %d lines", name, len(c.lines))
		}
	}
	seen := map[string]bool{}
	for _, f := range report.Figures {
		if seen[f.Key()] {
			t.Errorf("%s is there twice", f.Key())
		}
		seen[f.Key()] = true
	}
}
