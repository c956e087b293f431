package bench

import (
	"testing"
	"time"
)

// Every workload runs once, so that none can rot. What it finds means nothing.
func TestEveryWorkloadRuns(t *testing.T) {
	begun := time.Now()
	report, err := Run(t.Context(), Options{
		Short: true, Rounds: 1, Scale: 0.02,
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
	seen := map[string]bool{}
	for _, f := range report.Figures {
		if seen[f.Key()] {
			t.Errorf("%s is there twice", f.Key())
		}
		seen[f.Key()] = true
	}
}
