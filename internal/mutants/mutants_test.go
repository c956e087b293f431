package main

import (
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sourceOfTest = `package p

import "context"

func (t *T) f(ctx context.Context, n int) (int, error) {
	defer t.done()
	if n > 3 && t.ok {
		t.count++
		return 0, errBig
	}
	t.last = n
	t.note(ctx, "a" + name)
	for {
		break
	}
	switch n {
	case 1:
		t.note(ctx, true)
	}
	return n + 1, nil
}
`

func changesOfTest(t *testing.T) (string, []change) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(path, []byte(sourceOfTest), 0o600); err != nil {
		t.Fatal(err)
	}
	changes, err := changesOf("p/p.go", path)
	if err != nil {
		t.Fatal(err)
	}
	return path, changes
}

func TestEachKindOfChangeIsFound(t *testing.T) {
	_, changes := changesOfTest(t)
	var got []string
	for _, c := range changes {
		got = append(got, c.key())
	}
	for _, want := range []string{
		"p/p.go T.f: the deferred call is left out: defer t.done()",
		"p/p.go T.f: the condition is never true: if n > 3 && t.ok {",
		"p/p.go T.f: the condition is always true: if n > 3 && t.ok {",
		"p/p.go T.f: > becomes >=: if n > 3 && t.ok {",
		"p/p.go T.f: > becomes <=: if n > 3 && t.ok {",
		"p/p.go T.f: && becomes ||: if n > 3 && t.ok {",
		"p/p.go T.f: the count is left out: t.count++",
		"p/p.go T.f: the error is dropped: return 0, errBig",
		"p/p.go T.f: the assignment is left out: t.last = n",
		`p/p.go T.f: the call is left out: t.note(ctx, "a" + name)`,
		`p/p.go T.f: the call does not hear its context: t.note(ctx, "a" + name)`,
		"p/p.go T.f: break becomes continue: break",
		"p/p.go T.f: the case does nothing: case 1:",
		"p/p.go T.f: true becomes false: t.note(ctx, true)",
		"p/p.go T.f: + becomes -: return n + 1, nil",
	} {
		if want = strings.ReplaceAll(want, "does nothing: case 1:", "does nothing: t.note(ctx, true)"); !slices.Contains(got, want) {
			t.Errorf("no %q among\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, key := range got {
		if strings.Contains(key, "- becomes") || strings.Contains(key, `+ becomes -: t.note`) {
			t.Errorf("%q is no Go", key)
		}
	}
}

// Every change leaves a file that parses, and is another one.
func TestAChangedFileParses(t *testing.T) {
	_, changes := changesOfTest(t)
	for _, c := range changes {
		out := c.apply([]byte(sourceOfTest))
		if string(out) == sourceOfTest {
			t.Errorf("%s changes nothing", c)
		}
		if _, err := format.Source(out); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestASeedDrawsTheSameSampleAgain(t *testing.T) {
	_, changes := changesOfTest(t)
	if a, b := draw(changes, 7), draw(changes, 7); !slices.Equal(a, b) {
		t.Error("seed 7 draws two samples")
	}
	if a, b := draw(changes, 7), draw(changes, 8); slices.Equal(a, b) {
		t.Error("seeds 7 and 8 draw one sample")
	}
}

func TestAnEquivalentChangeHasItsReasonAndItsCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "equivalent.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# a comment\n\np/p.go T.f: a kind: x | y | no caller can see it\n")
	got, err := equivalents(path)
	if err != nil || got["p/p.go T.f: a kind: x | y"] != "no caller can see it" {
		t.Errorf("%v, %v", got, err)
	}
	_, changes := changesOfTest(t)
	if err := stale(changes, got); err == nil {
		t.Error("a change that is possible no more was not refused")
	}
	write("p/p.go T.f: a kind: x\n")
	if _, err := equivalents(path); err == nil {
		t.Error("a line without a reason was not refused")
	}
}
