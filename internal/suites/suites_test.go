package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/gotest"
)

func passed(tests ...string) gotest.Result {
	r := gotest.Result{Passed: map[string]bool{}}
	for _, test := range tests {
		r.Passed[test] = true
	}
	return r
}

// A difference without a reason is new. Subtests have the reason of their test; a test that fails in both runs, or passes
// through the pool alone, is no difference.
func TestADifferenceWithoutAReasonIsNew(t *testing.T) {
	known, err := readReasons("# suite | test | reason\n\nA | TestKnown | it says | why\nA | TestUnused | gone\nB | TestNew | of another suite\n")
	if err != nil {
		t.Fatal(err)
	}
	plain := passed("p TestSame", "p TestKnown", "p TestKnown/sub/deep", "p TestNew")
	pool := passed("p TestSame", "p TestOnlyHere")
	got := compare("A", plain, pool, known)
	want := []difference{{"TestKnown", "it says | why"}, {"TestKnown/sub/deep", "it says | why"}, {"TestNew", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := known.unused([]suite{{name: "A"}}), []string{"A TestUnused"}; !slices.Equal(got, want) {
		t.Errorf("unused: got %q, want %q", got, want)
	}
	for _, wrong := range []string{"A | TestX", "A | TestX | ", "A TestX because"} {
		if _, err := readReasons(wrong); err == nil {
			t.Errorf("%q is taken for a difference with a reason", wrong)
		}
	}
}

// Each reason is for a suite that is run.
func TestEachReasonIsOfASuite(t *testing.T) {
	known, err := readReasons(differences)
	if err != nil {
		t.Fatal(err)
	}
	for k := range known {
		if _, err := pick(k.suite); err != nil {
			t.Error(err)
		}
	}
}

// A patch for text that is not there is an error, so that a suite is never run without its change.
func TestAPatchNeedsItsText(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.go")
	if err := os.WriteFile(file, []byte("open(5432)\nopen(5432)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	words := strings.NewReplacer("{port}", "1234")
	if err := (changes{patches: []patch{{"a.go", "open(5432)", "pooled({port})"}}}).apply(dir, words); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "pooled(1234)\npooled(1234)\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := (changes{patches: []patch{{"a.go", "open(", "pooled("}}}).apply(dir, words); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("a patch without its text: %v", err)
	}
}

// Every graft that a suite names is there, and every file in graft/ has a suite.
func TestGraftsAreThoseOfTheSuites(t *testing.T) {
	used := map[string]bool{}
	for _, s := range suites {
		for _, c := range []changes{s.both, s.plain, s.pool} {
			for _, graft := range c.grafts {
				used[graft] = true
			}
		}
	}
	files, err := grafts.ReadDir("graft")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !used[file.Name()] {
			t.Errorf("graft/%s is of no suite", file.Name())
		}
		delete(used, file.Name())
	}
	for graft := range used {
		t.Errorf("graft/%s is not there", graft)
	}
}
