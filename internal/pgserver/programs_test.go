//go:build unix

package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindResolvesLinksAndPassesDanglingOnesOver(t *testing.T) {
	real, err := Find(limited(t))
	must(t, err)
	dangling, linked := t.TempDir(), t.TempDir()
	must(t, os.Symlink("/nowhere/initdb", filepath.Join(dangling, "initdb")))
	// Only initdb is linked: its neighbours are found where the link leads.
	must(t, os.Symlink(real.path("initdb"), filepath.Join(linked, "initdb")))
	t.Setenv("SQLPOOL_PG_BIN", "")
	t.Setenv("PATH", dangling+":"+linked)
	found, err := Find(limited(t))
	must(t, err)
	if found != real {
		t.Errorf("found %+v, want %+v", found, real)
	}
}

func TestFindNeverPassesOverSQLPOOL_PG_BIN(t *testing.T) {
	t.Setenv("SQLPOOL_PG_BIN", t.TempDir())
	if _, err := Find(limited(t)); err == nil || !strings.Contains(err.Error(), "SQLPOOL_PG_BIN") {
		t.Errorf("an empty folder in SQLPOOL_PG_BIN: %v", err)
	}
}

func TestNewestVersionComesFirst(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "10", "17", "15"} {
		must(t, os.MkdirAll(filepath.Join(root, version, "bin"), 0o700))
	}
	var got []string
	for _, dir := range newestFirst(filepath.Join(root, "*", "bin")) {
		got = append(got, filepath.Base(filepath.Dir(dir)))
	}
	if want := "17 15 10 9.6"; strings.Join(got, " ") != want {
		t.Errorf("order %v, want %s", got, want)
	}
}

// fatalBox is a testing.TB that remembers Fatal instead of ending the test that looks on.
type fatalBox struct {
	testing.TB
	said []any
}

func (b *fatalBox) Helper()           {}
func (b *fatalBox) Fatal(args ...any) { b.said = args; panic(b) }
func (b *fatalBox) Skip(...any)       { b.Error("a test without a server was skipped") }

func TestRunFailsWithOneSentenceWhenThereIsNoServer(t *testing.T) {
	if strings.Count(ErrNoPrograms.Error(), "\n") > 0 || !strings.Contains(ErrNoPrograms.Error(), "SQLPOOL_TEST_DSN") {
		t.Errorf("not one sentence with the remedy: %q", ErrNoPrograms)
	}
	t.Setenv("SQLPOOL_PG_BIN", t.TempDir())
	box := &fatalBox{TB: t}
	func() {
		defer func() { _ = recover() }()
		Run(box, Options{})
	}()
	if len(box.said) != 1 {
		t.Fatalf("Run said %v, want one error", box.said)
	}
	if !strings.Contains(fmt.Sprint(box.said), "SQLPOOL_PG_BIN") {
		t.Errorf("Run said %v, want the reason", box.said)
	}
}

func TestDSNPrefersTheServerOfTheEnvironment(t *testing.T) {
	t.Setenv("SQLPOOL_TEST_DSN", "postgres://elsewhere/db")
	if got := DSN(t); got != "postgres://elsewhere/db" {
		t.Errorf("DSN is %s", got)
	}
}

func TestInDatabaseChangesOnlyTheDatabase(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://u:p%40@h:1/old?sslmode=disable": "postgres://u:p%40@h:1/new?sslmode=disable",
		"host=h dbname=old":                         "host=h dbname=old dbname='new'",
	} {
		if got, err := inDatabase(dsn, "new"); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", dsn, got, err, want)
		}
	}
}
