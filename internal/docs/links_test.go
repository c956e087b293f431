package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

// Links between pages lead somewhere, and those within a page to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range append(pages(t), "parity.md") {
		text := read(t, page)
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			file, anchor := match[1], strings.TrimPrefix(match[2], "#")
			target := page
			if strings.Contains(file, "://") {
				continue
			}
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s: %v", filepath.Base(page), err)
					continue
				}
			}
			if anchor != "" && !strings.Contains(anchors(read(t, target)), " "+anchor+" ") {
				t.Errorf("%s: %s has no heading #%s", filepath.Base(page), filepath.Base(target), anchor)
			}
		}
	}
}

// anchors are the headings of a page as links to them are written.
func anchors(text string) string {
	all := " "
	for line := range strings.SplitSeq(text, "\n") {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			slug := strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
					return r
				}
				return -1
			}, strings.ToLower(heading))
			all += slug + " "
		}
	}
	return all
}
