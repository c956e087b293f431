package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/conformance"
)

// conforms runs the verb on lib/pq and returns the rules of its report.
func conforms(t *testing.T, flags ...string) (ids []string) {
	t.Helper()
	// All rules take a minute, and on a busy machine some.
	status, stdout, stderr := startWithin(t, 10*time.Minute, nil, append([]string{"conform", "--driver", "pq", "--json"}, flags...)...)
	if status != exitOK {
		t.Errorf("status %d: %s\n%s", status, stderr, stdout)
	}
	var got struct {
		Verb    string
		OK      bool
		Reports []struct {
			Target  string
			Results []struct{ ID, Verdict, Why string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if got.Verb != "conform" || !got.OK || len(got.Reports) != 1 || got.Reports[0].Target != "sqlpool on lib/pq" {
		t.Fatalf("got %s", stdout)
	}
	for _, r := range got.Reports[0].Results {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestConform(t *testing.T) {
	if n, want := len(conforms(t)), len(conformance.Rules()); n != want {
		t.Errorf("%d rules of %d", n, want)
	}
}

// A family and a rule that are picked are what is checked, in the report's order.
func TestConformChecksTheRulesThatArePicked(t *testing.T) {
	var want []string
	for _, r := range conformance.Rules() {
		if r.ID == "SQL-01" || r.Family() == "CFG" {
			want = append(want, r.ID)
		}
	}
	if got := conforms(t, "--rules", "CFG,SQL-01"); len(want) < 2 || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConformRefusesARuleThatThereIsNot(t *testing.T) {
	for _, rules := range []string{"SQL-99", "SQL,ACK", "sql-01"} {
		misspelt := rules[strings.LastIndex(rules, ",")+1:]
		status, stdout, stderr := start(t, nil, "conform", "--rules", rules)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, `"`+misspelt+`"`) || !strings.Contains(stderr, "--rules") {
			t.Errorf("%s: status %d: %s%s", rules, status, stdout, stderr)
		}
	}
}

func TestConformRefusesADSNThatNobodyCanRead(t *testing.T) {
	if status, _, stderr := start(t, nil, "conform", "--dsn", "postgres://host:port/"); status != exitUsage {
		t.Errorf("status %d: %s", status, stderr)
	}
}
