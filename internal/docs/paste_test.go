package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pasted are the pages that a newcomer copies from, with the imports of each snippet.
var pasted = map[string]bool{"README.md": true, "debugui.md": true}

var (
	imports  = regexp.MustCompile(`(?s)^import \(\n.*?\n\)\n\n`)
	declared = regexp.MustCompile(`(?m)^(\w+)(?:, (\w+))? :=`)
)

// around is what the reader's program has already.
const around = `package pasted

import (
	"context"
	"database/sql/driver"
)

var (
	ctx       context.Context
	dsn       string
	connector driver.Connector
)
`

// Each snippet of those pages compiles as it stands: its imports are all it needs, and it needs all of them.
func TestSnippetsCanBePasted(t *testing.T) {
	dir, overlay := t.TempDir(), map[string]string{}
	place := func(name, code string) {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		at, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(filepath.Dir(at), "pasted", name)] = file
	}
	place("around.go", around)
	for _, page := range pages(t) {
		if !pasted[filepath.Base(page)] {
			continue
		}
		for i, match := range snippet.FindAllStringSubmatch(read(t, page), -1) {
			head := imports.FindString(match[1])
			if head == "" {
				t.Errorf("%s: snippet %d has no imports", filepath.Base(page), i+1)
				continue
			}
			body := strings.TrimPrefix(match[1], head)
			for _, names := range declared.FindAllStringSubmatch(body, -1) {
				for _, name := range names[1:] {
					if name != "" && name != "_" {
						body += "_ = " + name + "\n" // the reader goes on
					}
				}
			}
			name := fmt.Sprintf("%s%d", strings.TrimSuffix(filepath.Base(page), ".md"), i+1)
			place(name+".go", "package pasted\n\n"+head+"func "+name+"() error {\n"+body+"return nil\n}\n")
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
