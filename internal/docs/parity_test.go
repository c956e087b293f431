package docs

import (
	"regexp"
	"strings"
	"testing"
)

var testName = regexp.MustCompile("`((?:Test|Benchmark)[A-Z][A-Za-z0-9]*)")

// A claim names its proof, and the proof exists.
func TestParityNamesTestsThatExist(t *testing.T) {
	code := tested(t)
	found := testName.FindAllStringSubmatch(read(t, "parity.md"), -1)
	if len(found) < 40 {
		t.Errorf("only %d names found", len(found))
	}
	for _, name := range found {
		if !strings.Contains(code, "func"+name[1]+"(") {
			t.Errorf("parity.md names %s, which no test has", name[1])
		}
	}
}
