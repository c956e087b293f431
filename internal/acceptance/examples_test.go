package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"slices"
	"testing"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// TestTheExamplesRunInAllModes runs the examples' own go test as a user would
// who has a server, and looks what ran on what: a mode that is left out is no
// success. A test has the two drivers, and sqlmock as well where it needs no server.
func TestTheExamplesRunInAllModes(t *testing.T) {
	run := exec.CommandContext(t.Context(), "go", "test", "-json", "-count=1", "./...")
	run.Dir = "../../examples"
	run.Env = append(os.Environ(), "SQLPOOL_TEST_DSN="+pgserver.Database(t))
	out, err := run.Output()
	passed := make(map[string][]string) // the modes of each test
	for line := range bytes.Lines(out) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		switch event.Action {
		case "pass":
			if test, mode := path.Split(event.Test); test != "" {
				passed[test] = append(passed[test], mode)
			}
		case "output":
			if err != nil {
				t.Log(event.Output)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Log(passed)
	ran := make(map[string]int)
	for test, modes := range passed {
		for _, mode := range modes {
			if mode == "sqlmock" || mode == drivers.PGX || mode == drivers.PQ {
				ran[mode]++
			}
		}
		if slices.Contains(modes, drivers.PGX) != slices.Contains(modes, drivers.PQ) {
			t.Errorf("%s ran on %v", test, modes)
		}
		if slices.Contains(modes, "sqlmock") && !slices.Contains(modes, drivers.PGX) {
			t.Errorf("%s ran on %v", test, modes)
		}
	}
	if ran["sqlmock"] == 0 || ran[drivers.PGX] < ran["sqlmock"] {
		t.Errorf("%v ran", ran)
	}
}
