package bench

import (
	"fmt"
	"strings"

	"github.com/sqlpool/go/internal/page"
)

// Markdown is all sections, each under its name.
func (r *Report) Markdown() string {
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "## %s\n\n", s.name)
		s.write(r, &b)
		b.WriteByte('\n')
	}
	return b.String()
}

// Fill puts the sections that a page has marks for, such as bench:budget, between
// them.
func (r *Report) Fill(text string) (string, error) {
	for _, s := range sections {
		name := "bench:" + s.name
		if !page.Has(text, name) {
			continue
		}
		var b strings.Builder
		s.write(r, &b)
		var err error
		if text, err = page.Fill(text, name, b.String()); err != nil {
			return "", err
		}
	}
	return text, nil
}
