// Package page puts what commands have made into the pages of docs, between marks:
//
//	<!-- name -->
//	<!-- /name -->
package page

import (
	"fmt"
	"os"
	"strings"
)

// Has reports whether a page's text has the first mark of that name.
func Has(text, name string) bool { return strings.Contains(text, begin(name)) }

// Content returns what stands between the marks of that name, and whether both are
// there.
func Content(text, name string) (string, bool) {
	_, rest, found := strings.Cut(text, begin(name))
	content, _, closed := strings.Cut(rest, end(name))
	return content, found && closed
}

// Fill returns the text with content between the marks of that name.
func Fill(text, name, content string) (string, error) {
	head, rest, found := strings.Cut(text, begin(name))
	_, tail, closed := strings.Cut(rest, end(name))
	if !found || !closed {
		return "", fmt.Errorf("the page has no lines %q and %q to put the content between", strings.TrimSpace(begin(name)), end(name))
	}
	return head + begin(name) + strings.TrimRight(content, "\n") + "\n" + end(name) + tail, nil
}

// FillFile is Fill on a file.
func FillFile(file, name, content string) error {
	return Edit(file, func(text string) (string, error) { return Fill(text, name, content) })
}

// Edit writes a file anew with what f makes of its text.
func Edit(file string, f func(text string) (string, error)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edited, err := f(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(edited), 0o600)
}

func begin(name string) string { return "<!-- " + name + " -->\n" }

func end(name string) string { return "<!-- /" + name + " -->" }
