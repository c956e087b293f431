package docs

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	snippet  = regexp.MustCompile("(?ms)^ *```go\n(.*?)^ *```")
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

// Paste makes a package named pasted of the Go snippets of a page, one function
// of a file each, as a reader would who has a context, a dsn and a connector:
// the snippet's own imports are all that it gets. The result has a file's text
// under its name. A snippet without imports is an error.
func Paste(page, text string) (map[string]string, error) {
	files := map[string]string{"around.go": around}
	for i, match := range snippet.FindAllStringSubmatch(text, -1) {
		head := imports.FindString(match[1])
		if head == "" {
			return nil, fmt.Errorf("%s: snippet %d has no imports", page, i+1)
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
		files[name+".go"] = "package pasted\n\n" + head + "func " + name + "() error {\n" + body + "return nil\n}\n"
	}
	return files, nil
}
