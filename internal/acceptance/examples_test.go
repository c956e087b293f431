package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"testing"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// TestTheExamplesRunInAllModes runs the examples' own go test as a user would
// who has a server, and counts what ran on what: a mode that is left out is no
// success.
func TestTheExamplesRunInAllModes(t *testing.T) {
	run := exec.CommandContext(t.Context(), "go", "test", "-json", "-count=1", "./...")
	run.Dir = "../../examples"
	run.Env = append(os.Environ(), "SQLPOOL_TEST_DSN="+pgserver.Database(t))
	out, err := run.Output()
	passed := make(map[string]int)
	for line := range bytes.Lines(out) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		switch mode := path.Base(event.Test); event.Action {
		case "pass":
			passed[mode]++
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
	for _, mode := range []string{"sqlmock", drivers.PGX, drivers.PQ} {
		if n := passed[mode]; n == 0 || n != passed["sqlmock"] {
			t.Errorf("%d tests passed on %s, %d on sqlmock", n, mode, passed["sqlmock"])
		}
	}
}
