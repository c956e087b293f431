//go:build unix

package outage

import (
	"os"
	"strconv"
	"testing"

	"github.com/sqlpool/go/conformance/outage/workload"
)

// Callers write unique tokens while a third of all statements is faulted and
// the server dies now and then; then the server is asked. SQLPOOL_FAULTED is how
// many statements are to meet a fault (make soak: 100,000), SQLPOOL_SEED repeats
// a run.
func TestTheLedgerBalances(t *testing.T) {
	faulted := 800
	if text := os.Getenv("SQLPOOL_FAULTED"); text != "" {
		var err error
		if faulted, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var seed uint64
	if text := os.Getenv("SQLPOOL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for _, driver := range workload.Drivers() {
		t.Run(driver, func(t *testing.T) {
			cfg := workload.Config{Driver: driver, Seed: seed, Faulted: faulted}
			if faulted > 10_000 {
				cfg.Progress = func(p workload.Progress) { t.Log(p) }
			}
			report, err := workload.Soak(t.Context(), cfg)
			t.Log(report)
			if err != nil {
				t.Error(err)
			}
			if n := report.Faulted(); n < faulted {
				t.Errorf("only %d statements were faulted, %d wanted", n, faulted)
			}
		})
	}
}
