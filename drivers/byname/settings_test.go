package byname

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const page = "../../docs/settings.md"

func TestSettingsPage(t *testing.T) {
	want := settingsPage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/settings.md is stale: run go generate ./drivers/byname")
	}
}

func settingsPage() string {
	var b strings.Builder
	b.WriteString(`<!-- Made by go generate ./drivers/byname from drivers/byname/settings.go. Do not edit. -->
# Settings

For ` + "`sql.Open(\"sqlpool-pgx\", dsn)`, `sql.Open(\"sqlpool-pq\", dsn)`, `drivers.Open` and `drivers.Config`" + `.

A setting stands in the connection string, in either form, between the driver's own parameters:

    postgres://app@db1,db2/orders?sslmode=verify-full&pool_max_conns=20&pool_acquire_timeout=5s
    host=db1,db2 user=app dbname=orders pool_max_conns=20 pool_acquire_timeout=5s

or in the environment, under the same name in capitals, but not in a service file; some have a second name there. A setting whose names have different
values is an error. An option of drivers.Open (` + "`drivers.Setting(\"pool_max_conns\", 20)`" + `) wins over the
connection string, the connection string over the environment, the environment over the default. When the connection string is empty, that in
` + "`DATABASE_URL`" + ` is used. An empty variable counts as none.

A setting that is unknown, wrong or given twice makes sql.Open fail, with everything that is wrong at once. Variables that
begin with POOL_ and are not in the table are left alone. A duration is Go's (` + "`1m30s`, `250ms`" + `) or a decimal number of
seconds (` + "`90`, `0.25`" + `): ` + "`5000`" + ` is 83 minutes. How a timeout of an hour or more was read stands on the live page, in
drivers.SettingsOf and in ` + "`sqlpool check`" + `. A boolean is true, false, yes, no, on, off, 1 or 0.

| in the connection string | in the environment | type | default | unit | meaning |
|---|---|---|---|---|---|
`)
	defaults := standard()
	for i := range settings {
		s := &settings[i]
		unit := s.value.unit
		if unit == "" {
			unit = "–"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | %s |\n", s.name, variables(s), s.value.kind, s.value.get(&defaults), unit, s.meaning)
	}
	b.WriteString(`
Names of pgxpool that mean the same here, and in capitals in the environment:

`)
	for i := range settings {
		for _, alias := range settings[i].aliases {
			fmt.Fprintf(&b, "- `%s` is `%s`\n", alias, settings[i].name)
		}
	}
	b.WriteString(`
pgxpool's pool_min_conns counts connections in use too. pool_min_idle keeps its promise, and more: as many idle ones are
always ready.

Leaks and events are logged nowhere unless pool_log=slog; drivers.LeaksOf and drivers.HealthOf tell them in any case.
`)
	return b.String()
}

// variables writes the names in the environment that are not a mere alias.
func variables(s *setting) string {
	if own := strings.ToUpper(s.name); own != s.env {
		return own + "`, `" + s.env
	}
	return s.env
}

func TestSettingsTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings {
		for _, n := range slices.Concat([]string{s.name}, s.aliases, s.variables()) {
			if seen[n] {
				t.Errorf("%s is there twice", n)
			}
			seen[n] = true
		}
		if !ours(s.name) || !regexp.MustCompile(`^pool_[a-z_]+$`).MatchString(s.name) || !regexp.MustCompile(`^POOL_[A-Z_]+$`).MatchString(s.env) {
			t.Errorf("%s, %s: odd names", s.name, s.env)
		}
		if !strings.HasSuffix(s.meaning, ".") || strings.Contains(s.meaning, "|") {
			t.Errorf("%s: %q", s.name, s.meaning)
		}
		a := standard()
		if !s.value.set(&a, s.value.example) || s.value.get(&a) != s.value.example {
			t.Errorf("%s=%s is read as %s", s.name, s.value.example, s.value.get(&a))
		}
	}
}

// A new field of Config needs a setting, or a reason here.
func TestEveryFieldIsASetting(t *testing.T) {
	notText := map[string]string{
		"Connector": "the rest of the connection string",
		"Hooks":     "code; the standard ones have settings",
		"Classify":  "code",
	}
	var check func(prefix string, of reflect.Type)
	check = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			name := prefix + of.Field(i).Name
			switch {
			case name == "Backoff":
				check("Backoff.", of.Field(i).Type)
			case byField(name) == nil && notText[name] == "":
				t.Errorf("sqlpool.Config.%s has no setting", name)
			}
		}
	}
	check("", reflect.TypeFor[sqlpool.Config]())
	for i := range settings {
		if f := settings[i].field; f != "" {
			v := reflect.ValueOf(sqlpool.Config{})
			for part := range strings.SplitSeq(f, ".") {
				if v = v.FieldByName(part); !v.IsValid() {
					t.Errorf("sqlpool.Config has no field %s", f)
					break
				}
			}
		}
	}
}

// The defaults that the page shows and Config leaves to the pool are the pool's.
func TestDefaultsAreThePools(t *testing.T) {
	pool, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector()})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	theirs, ours := pool.Config(), standard().cfg
	theirs.Connector, theirs.Hooks = nil, nil
	theirs.MinIdle = 2 // design section 1
	if !reflect.DeepEqual(theirs, ours) {
		t.Errorf("sqlpool has %+v\nthe settings have %+v", theirs, ours)
	}
}

func TestLengths(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "30.0": 30 * time.Second, "0.25": 250 * time.Millisecond, ".5": 500 * time.Millisecond, "0": 0,
		"1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond, "1h": time.Hour, "1ns": 1,
		"86400.000000001": 24*time.Hour + 1, "3600.0": time.Hour, "9223372036": 9223372036 * time.Second,
	} {
		if got, ok := parseLength(text); !ok || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", ".", "-1", "-1s", "NaN", "Inf", "1e3", "0x10", "5m3", "1 m", "1d", "9223372037", "1_000", "s"} {
		if got, ok := parseLength(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", time.Minute: "1m", 90 * time.Second: "1m30s", 0: "0s", 10 * time.Minute: "10m", 20 * time.Hour: "20h", time.Hour + time.Second: "1h0m1s",
	} {
		if got := shortest(d); got != want {
			t.Errorf("%v is written %s", d, got)
		}
	}
}
