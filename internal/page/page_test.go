package page

import (
	"os"
	"path/filepath"
	"testing"
)

func TestContentIsPutBetweenItsMarks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("before\n<!-- it -->\nold\n<!-- /it -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := FillFile(file, "it", "new\n\n"); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "before\n<!-- it -->\nnew\n<!-- /it -->\nafter\n" {
			t.Errorf("%q (%v)", text, err)
		} else if content, ok := Content(string(text), "it"); !ok || content != "new\n" {
			t.Errorf("between the marks stands %q (%v)", content, ok)
		}
	}
	if _, ok := Content("<!-- it -->\n", "it"); ok {
		t.Error("a mark without its end has content")
	}
	if err := FillFile(file, "other", "new\n"); err == nil {
		t.Error("a page without the marks was filled")
	}
	if _, err := Fill("<!-- it -->\n", "it", "new"); err == nil {
		t.Error("a mark without its end is not seen")
	}
}
