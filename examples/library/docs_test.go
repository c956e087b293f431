package library_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sqlpool/go/mocks/sqlmockpool"
)

var block = regexp.MustCompile("(?s)```(go|text)\n(.*?)```")

// guide returns the blocks of docs/testing.md in one language.
func guide(t *testing.T, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range block.FindAllStringSubmatch(string(text), -1) {
		if b[1] == language {
			blocks = append(blocks, b[2])
		}
	}
	return blocks
}

// Every Go block of the guide stands in a file of this package word for word,
// as whole declarations: so it has been compiled and run.
func TestTheGuideIsTheseFunctions(t *testing.T) {
	var source strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	blocks := guide(t, "go")
	for _, b := range blocks {
		if !strings.HasPrefix(b, "func ") || !strings.HasSuffix(b, "\n}\n") || !strings.Contains(source.String(), "\n"+b) {
			t.Errorf("docs/testing.md has what no file here has:\n%s", b)
		}
	}
	if len(blocks) < 6 {
		t.Errorf("found %d blocks only", len(blocks))
	}
}

// What the guide says that a failed test prints is what it prints, but for the
// machine's folders and for line numbers.
func TestTheGuidesFailures(t *testing.T) {
	leaking, unmet := &failing{TB: t}, &failing{TB: t}

	db, mock, _ := sqlmockpool.New(leaking)
	mock.ExpectQuery("SELECT title").WillReturnRows(mock.NewRows([]string{"title"}).AddRow("Emma").AddRow("Persuasion"))
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := firstTitle(ctx, db); err != nil {
		t.Error(err)
	}
	leaking.end()
	cancel()

	db, mock, _ = sqlmockpool.New(unmet)
	mock.ExpectBegin()
	mock.ExpectExec("UPDATE books").WithArgs(1)
	mock.ExpectCommit()
	if tx, err := db.Begin(); err != nil || tx.Rollback() == nil {
		t.Error("rolled back:", err)
	}
	unmet.end()

	for i, said := range []string{leaking.said, unmet.said} {
		if want := guide(t, "text"); len(want) != 2 || plain(said) != plain(want[i]) {
			t.Errorf("the test printed\n%s\nand docs/testing.md says\n%s", said, want[min(i, len(want)-1)])
		}
	}
}

var machine = regexp.MustCompile(`\S*/(\w+\.go):\d+`)

// plain is what a test printed without folders, line numbers and the frames of
// the test itself.
func plain(said string) string {
	said, _, _ = strings.Cut(said, "\n\tgithub.com/sqlpool/go/examples/library_test.Test")
	return strings.TrimSpace(machine.ReplaceAllString(said, "$1"))
}

// failing is a test that fails without failing this one.
type failing struct {
	testing.TB
	said     string
	cleanups []func()
}

// Errorf implements testing.TB.
func (f *failing) Errorf(format string, args ...any) { f.said += fmt.Sprintf(format, args...) }

// Cleanup implements testing.TB.
func (f *failing) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *failing) end() {
	for _, c := range slices.Backward(f.cleanups) {
		c()
	}
}
