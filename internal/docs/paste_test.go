package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pasted are the pages that a newcomer copies from, with the imports of each snippet.
var pasted = map[string]bool{"README.md": true, "debugui.md": true}

// Each snippet of those pages compiles as it stands: its imports are all it needs, and it needs all of them.
func TestSnippetsCanBePasted(t *testing.T) {
	dir, overlay := t.TempDir(), map[string]string{}
	at, err := filepath.Abs("pasted")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		if !pasted[filepath.Base(page)] {
			continue
		}
		files, err := Paste(page, read(t, page))
		if err != nil {
			t.Error(err)
		}
		for name, code := range files {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay[filepath.Join(at, name)] = file
		}
	}
	if len(overlay) < 5 {
		t.Errorf("only %d files", len(overlay))
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "./pasted").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
