package main

import (
	"encoding/json"
	"testing"

	"github.com/sqlpool/go/conformance"
)

func TestConform(t *testing.T) {
	status, stdout, stderr := start(t, nil, "conform", "--driver", "pq", "--json")
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
		t.Errorf("got %s", stdout)
	}
	if n, want := len(got.Reports[0].Results), len(conformance.Rules()); n != want {
		t.Errorf("%d rules of %d", n, want)
	}
}

func TestConformRefusesADSNThatNobodyCanRead(t *testing.T) {
	if status, _, stderr := start(t, nil, "conform", "--dsn", "postgres://host:port/"); status != exitUsage {
		t.Errorf("status %d: %s", status, stderr)
	}
}
