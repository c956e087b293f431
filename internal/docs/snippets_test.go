package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// pages are the README and the guides. Decisions are not among them: they show
// what was considered, not what to write.
func pages(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	return append(guides, filepath.Join(root, "README.md"))
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each Go snippet stands, word for word, in a test of this repository, where it
// is compiled and run.
func TestEverySnippetIsTested(t *testing.T) {
	code := tested(t)
	for _, page := range pages(t) {
		for _, match := range snippet.FindAllStringSubmatch(read(t, page), -1) {
			if pasted[filepath.Base(page)] {
				match[1] = imports.ReplaceAllString(match[1], "") // the compiler has them in TestSnippetsCanBePasted
			}
			for _, part := range strings.Split(match[1], "\n\n") {
				if !strings.Contains(code, squeeze(part)) {
					t.Errorf("%s: no test has this snippet:\n%s", filepath.Base(page), part)
				}
			}
		}
	}
}

// tested is the code of all tests, squeezed.
func tested(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			b.WriteString(squeeze(read(t, path)))
			b.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	comment = regexp.MustCompile(`(?m)(^|\s)//.*$`)
	space   = regexp.MustCompile(`\s+`)
)

// squeeze leaves out comments and white space, which differ between a page and
// a test for good reasons.
func squeeze(code string) string {
	return space.ReplaceAllString(comment.ReplaceAllString(code, ""), "")
}

var makeCommand = regexp.MustCompile("(?m)(?:^|`|\\$ )make ([a-z-]+)")

func TestEveryMakeTargetExists(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	for _, page := range append(pages(t), filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "CHANGELOG.md")) {
		for _, match := range makeCommand.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s: make has no target %q", filepath.Base(page), match[1])
			}
		}
	}
}
