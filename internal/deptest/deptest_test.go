package deptest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/sqlpool/go"
)

func TestImports(t *testing.T) {
	g, err := Load(root, module)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g["./internal/deptest"]; !ok {
		t.Fatalf("the graph of %d packages lacks this one", len(g))
	}
	for _, b := range Check(g, Rules) {
		t.Error(b)
	}
}

func TestDirectRequirements(t *testing.T) {
	for _, b := range requirements(t, filepath.Join(root, "go.mod")) {
		t.Error(b)
	}
}

// requirements compares a go.mod with Direct.
func requirements(t *testing.T, file string) (wrong []string) {
	t.Helper()
	if _, err := os.ReadFile(file); err != nil { // also tells go test's cache that the result depends on it
		t.Fatal(err)
	}
	out, err := exec.Command("go", "mod", "edit", "-json", file).Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		got = append(got, r.Path)
		if Direct[r.Path] == "" {
			wrong = append(wrong, "go.mod requires "+r.Path+" directly: put what needs it in a nested module")
		}
	}
	for path, why := range Direct {
		if !slices.Contains(got, path) {
			wrong = append(wrong, "go.mod does not require "+path+" directly: "+why)
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestRequirementsAreSeenToFail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "go.mod")
	text := `module m
require (
	github.com/jackc/pgx/v5 v5.0.0
	github.com/lib/pq v1.0.0 // indirect
	github.com/DATA-DOG/go-sqlmock v1.5.0
	github.com/hashicorp/go-multierror v1.0.0
	example.com/extra v1.0.0
	example.com/fine v1.0.0 // indirect
)
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := requirements(t, file)
	if len(got) != 2 || !strings.Contains(got[0], "lib/pq") || !strings.Contains(got[1], "example.com/extra") {
		t.Errorf("got %q", got)
	}
}
