package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var source = regexp.MustCompile(`\b[a-z][a-z0-9_]*\.go\b`)

// A package's comment tells it file by file: those that it names exist, and the core's names all.
func TestPackageCommentsNameTheirFiles(t *testing.T) {
	named := map[string]bool{}
	for _, dir := range folders(t) {
		text, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil {
			continue // its comment is elsewhere
		}
		for _, file := range source.FindAllString(string(text), -1) {
			path := filepath.Join(dir, file)
			named[path] = true
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s, which is not there", filepath.Join(dir, "doc.go"), file)
			}
		}
	}
	for _, dir := range []string{"sqlpool", "drivers", "drivers/byname"} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", dir, err)
		}
		for _, file := range files {
			if base := filepath.Base(file); base != "doc.go" && !strings.HasSuffix(base, "_test.go") && !named[file] {
				t.Errorf("%s/doc.go does not say what %s is for", dir, base)
			}
		}
	}
}

// folders are all folders with code, of all modules.
func folders(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		all = append(all, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
