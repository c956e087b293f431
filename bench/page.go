package bench

import (
	"fmt"
	"os"
	"strings"
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

// Fill puts the sections that a page has markers for between them:
//
//	<!-- bench:budget -->
//	<!-- /bench:budget -->
func (r *Report) Fill(page string) (string, error) {
	for _, s := range sections {
		begin, end := "<!-- bench:"+s.name+" -->", "<!-- /bench:"+s.name+" -->"
		before, rest, ok := strings.Cut(page, begin)
		if !ok {
			continue
		}
		_, after, ok := strings.Cut(rest, end)
		if !ok {
			return "", fmt.Errorf("%s without %s", begin, end)
		}
		var b strings.Builder
		s.write(r, &b)
		page = before + begin + "\n" + strings.TrimRight(b.String(), "\n") + "\n" + end + after
	}
	return page, nil
}

// FillFile is Fill on a file.
func (r *Report) FillFile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	page, err := r.Fill(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(page), 0o644)
}
