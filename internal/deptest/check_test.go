package deptest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A repository in which every rule holds.
func good() Graph {
	return graph(
		Package{Path: "./sqlpool", Imports: []string{"context", "database/sql", "github.com/hashicorp/go-multierror"},
			TestImports: []string{"./internal/fakedb", "testing"}},
		Package{Path: "./sqlpool/internal/queue", Imports: []string{"math"}},
		Package{Path: "./sqlpool/internal/dialing", Imports: []string{"math", "time"}, TestImports: []string{"testing"}},
		Package{Path: "./sqlpool/internal/pgerror", Imports: []string{"database/sql/driver", "strings"}},
		Package{Path: "./sqlpool/internal/verdict", Imports: []string{"./sqlpool/internal/pgerror"}},
		Package{Path: "./sqlpool/internal/driverx", Imports: []string{"database/sql"}},
		Package{Path: "./sqlpool/internal/stmts", Imports: []string{"./internal/sqltext", "./sqlpool/internal/pgerror"}},
		Package{Path: "./drivers/byname", Imports: []string{"./hooks/leak", "./sqlpool"}, TestImports: []string{"./drivers/libpq"}},
		Package{Path: "./sqlpool/internal/slots", Imports: []string{"fmt"}, TestImports: []string{"math/rand/v2", "testing"}},
		Package{Path: "./sqlpool/internal/idle", Imports: []string{"slices"}},
		Package{Path: "./sqlpool/internal/sqlstack", Imports: []string{"database/sql", "database/sql/driver", "runtime", "strings", "sync"}, TestImports: []string{"database/sql"}},
		Package{Path: "./sqlpool/internal/sqlrows", Imports: []string{"database/sql/driver", "io", "reflect"}},
		Package{Path: "./sqlpool/internal/txctx", Imports: []string{"context", "time"}},
		Package{Path: "./sqlpool/internal/alarm", Imports: []string{"math", "time"}},
		Package{Path: "./drivers", Imports: []string{"./drivers/libpq", "./drivers/pgxv5", "./hooks/leak", "./sqlpool"}},
		Package{Path: "./drivers/pgxv5", Imports: []string{"github.com/jackc/pgx/v5/stdlib", "net", "./drivers/byname"},
			TestImports: []string{"./internal/pgserver", "./sqlpool"}},
		Package{Path: "./drivers/libpq", Imports: []string{"github.com/lib/pq"}},
		Package{Path: "./hooks/leak", Imports: []string{"runtime/pprof", "./sqlpool"}},
		Package{Path: "./hooks/debugui", Imports: []string{"embed", "./hooks/health", "./hooks/leak", "./sqlpool"}},
		Package{Path: "./hooks/prommetric", Nested: true, Imports: []string{"github.com/prometheus/client_golang/prometheus", "./sqlpool"}},
		Package{Path: "./mocks/sqlmockpool", Imports: []string{"github.com/DATA-DOG/go-sqlmock", "./sqlpool"}},
		Package{Path: "./internal/fakedb", Imports: []string{"database/sql/driver"}, TestImports: []string{"./internal/fakedb"}},
		Package{Path: "./internal/pgserver", Imports: []string{"os/exec"}},
		Package{Path: "./internal/pgtest", Imports: []string{"./internal/pgserver"}},
		Package{Path: "./conformance", Imports: []string{"testing", "./hooks/leak", "./sqlpool"}, TestImports: []string{"./internal/fakedb"}},
		Package{Path: "./cmd/sqlpool", Nested: true, Imports: []string{"./cmd/internal/demo", "./drivers", "./internal/pgserver"}},
		Package{Path: "./cmd/internal/demo", Nested: true, Imports: []string{"./sqlpool"}},
		Package{Path: "./bench", Nested: true, Imports: []string{"./internal/fakedb"}},
	)
}

func graph(list ...Package) Graph {
	g := make(Graph)
	for _, p := range list {
		g[p.Path] = p
	}
	return g
}

func TestAGoodRepositoryAndAnEmptyOnePass(t *testing.T) {
	if got := Check(good(), Rules); len(got) != 0 {
		t.Errorf("broken: %q", got)
	}
	if got := Check(Graph{}, Rules); len(got) != 0 {
		t.Errorf("broken: %q", got)
	}
}

// TestEachRuleIsSeenToFail adds one import to the good repository.
func TestEachRuleIsSeenToFail(t *testing.T) {
	failed := make(map[string]bool)
	for _, tt := range []struct {
		from, to string
		test     bool
		want     string // "rule: the way"; "" if it is allowed
	}{
		{"./sqlpool", "./drivers/libpq", false, "core: ./sqlpool imports ./drivers/libpq:"},
		{"./sqlpool", "github.com/jackc/pgx/v5", false, "core: ./sqlpool imports github.com/jackc/pgx/v5:"},
		{"./sqlpool", "go.opentelemetry.io/otel", false, "core: ./sqlpool imports go.opentelemetry.io/otel:"},
		{"./sqlpool", "github.com/hashicorp/go-multierrors", false, "core: ./sqlpool imports github.com/hashicorp/go-multierrors:"},
		{"./sqlpool", "./sqlpool/internal/queue", false, ""},
		{"./sqlpool/internal/queue", "time", false, "queue: ./sqlpool/internal/queue imports time:"},
		{"./sqlpool/internal/pgerror", "./sqlpool", false, "pgerror: ./sqlpool/internal/pgerror imports ./sqlpool:"},
		{"./sqlpool/internal/verdict", "time", false, "verdict: ./sqlpool/internal/verdict imports time:"},
		{"./sqlpool/internal/driverx", "./sqlpool/internal/pgerror", false, "driverx: ./sqlpool/internal/driverx imports ./sqlpool/internal/pgerror:"},
		{"./sqlpool/internal/stmts", "./sqlpool/internal/driverx", false, "stmts: ./sqlpool/internal/stmts imports ./sqlpool/internal/driverx:"},
		{"./drivers/byname", "./drivers/pgxv5", false, "byname: ./drivers/byname imports ./drivers/pgxv5:"},
		{"./drivers/byname", "github.com/lib/pq", true, ""},
		{"./sqlpool/internal/dialing", "sync", false, "machine: ./sqlpool/internal/dialing imports sync:"},
		{"./sqlpool/internal/dialing", "time", false, ""},
		{"./sqlpool/internal/slots", "time", false, "books: ./sqlpool/internal/slots imports time:"},
		{"./sqlpool/internal/idle", "./sqlpool/internal/slots", false, "books: ./sqlpool/internal/idle imports ./sqlpool/internal/slots:"},
		{"./sqlpool/internal/sqlstack", "net", false, "sqlstack: ./sqlpool/internal/sqlstack imports net:"},
		{"./sqlpool/internal/sqlrows", "context", false, "sqlrows: ./sqlpool/internal/sqlrows imports context:"},
		{"./sqlpool/internal/txctx", "database/sql/driver", false, "txctx: ./sqlpool/internal/txctx imports database/sql/driver:"},
		{"./sqlpool/internal/alarm", "sync", false, "alarm: ./sqlpool/internal/alarm imports sync:"},
		{"./sqlpool", "github.com/lib/pq", true, ""},
		{"./drivers/pgxv5", "./sqlpool", false, "pgx-adapter: ./drivers/pgxv5 imports ./sqlpool:"},
		{"./drivers/pgxv5", "./drivers/libpq", false, "pgx-adapter: ./drivers/pgxv5 imports ./drivers/libpq:"},
		{"./drivers/pgxv5", "./drivers", false, "pgx-adapter: ./drivers/pgxv5 imports ./drivers:"},
		{"./drivers/libpq", "./hooks/leak", false, "pq-adapter: ./drivers/libpq imports ./hooks/leak:"},
		{"./drivers/libpq", "github.com/jackc/pgx/v5/pgconn", false, "pq-adapter: ./drivers/libpq imports github.com/jackc/pgx/v5/pgconn:"},
		{"./hooks/leak", "./drivers/pgxv5", false, "hooks: ./hooks/leak imports ./drivers/pgxv5:"},
		{"./hooks/leak", "github.com/hashicorp/go-multierror", false, "hooks: ./hooks/leak imports github.com/hashicorp/go-multierror:"},
		{"./hooks/leak", "./sqlpoolish", false, "hooks: ./hooks/leak imports ./sqlpoolish:"},
		{"./hooks/leak", "./hooks/health", false, "hooks: ./hooks/leak imports ./hooks/health:"},
		{"./hooks/debugui", "./hooks/slogger", false, "debugui: ./hooks/debugui imports ./hooks/slogger:"},
		{"./mocks/sqlmockpool", "./drivers/pgxv5", false, "mocks: ./mocks/sqlmockpool imports ./drivers/pgxv5:"},
		{"./mocks/sqlmockpool", "./hooks/leak", false, ""},
		{"./conformance", "./drivers/pgxv5", false, "conformance: ./conformance imports ./drivers/pgxv5:"},
		{"./conformance", "./internal/fakedb", true, ""},
		{"./drivers", "./cmd/internal/demo", false, "cmd: ./drivers imports ./cmd/internal/demo:"},
		{"./bench", "./cmd/internal/demo", true, "cmd: ./bench imports ./cmd/internal/demo:"},
		{"./internal/fakedb", "./sqlpool", true, "fakedb: ./internal/fakedb imports ./sqlpool:"},
		{"./internal/fakedb", "github.com/lib/pq", false, "fakedb: ./internal/fakedb imports github.com/lib/pq:"},
		{"./drivers", "./internal/pgtest", false, "test-servers: ./drivers imports ./internal/pgtest, which imports ./internal/pgserver:"},
		{"./hooks/prommetric", "./internal/fakedb", false, "test-servers: ./hooks/prommetric imports ./internal/fakedb:"},
		{"./hooks/prommetric", "./internal/fakedb", true, ""},
		{"./drivers", "./internal/fakedb", true, ""},
	} {
		g := good()
		p := g[tt.from]
		if tt.test {
			p.TestImports = append(p.TestImports, tt.to)
		} else {
			p.Imports = append(p.Imports, tt.to)
		}
		g[tt.from] = p
		got := Check(g, Rules)
		switch {
		case tt.want == "" && len(got) > 0:
			t.Errorf("%s imports %s: %q, but it may", tt.from, tt.to, got)
		case tt.want != "" && !contains(got, tt.want):
			t.Errorf("%s imports %s: %q, want %q", tt.from, tt.to, got, tt.want)
		}
		id, _, _ := strings.Cut(tt.want, ":")
		failed[id] = true
	}
	for _, r := range Rules {
		if !failed[r.ID] {
			t.Errorf("the rule %s was never seen to fail", r.ID)
		}
		if r.Why == "" {
			t.Errorf("the rule %s has no reason", r.ID)
		}
	}
}

func contains(list []string, prefix string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module example.com/m\n",
		"a/a.go":              "package a\nimport (\n\"os\"\n\"example.com/m/b\"\n)\nfunc broken( {",
		"a/a_plan9.go":        "package a\nimport _ \"syscall\"\n",
		"a/a_test.go":         "package a_test\nimport _ \"testing\"\n",
		"a/gen.go":            "//go:build ignore\n\npackage main\nimport _ \"net/http\"\n",
		"a/testdata/x.go":     "package x\nimport _ \"net\"\n",
		"a/_old/x.go":         "package x\n",
		"b/b.go":              "package b\nimport _ \"example.com/mother\"\n",
		"tools/go.mod":        "module example.com/m/tools\n",
		"tools/deep/tools.go": "package deep\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(dir, "example.com/m")
	if err != nil {
		t.Fatal(err)
	}
	want := graph(
		Package{Path: "./a", Imports: []string{"./b", "os", "syscall"}, TestImports: []string{"testing"}},
		Package{Path: "./b", Imports: []string{"example.com/mother"}},
		Package{Path: "./tools/deep", Nested: true},
	)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
