package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/gotest"
)

//go:embed differences.txt
var differences string

// reasons are the differences that are known. A test's subtests have its reason.
type reasons map[known]*reason

type known struct{ suite, test string }

type reason struct {
	text string
	used bool
}

func readReasons(text string) (reasons, error) {
	r := reasons{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " | ", 3)
		if len(fields) != 3 || fields[2] == "" {
			return nil, fmt.Errorf("differences.txt: %q is not \"suite | test | reason\"", line)
		}
		r[known{fields[0], fields[1]}] = &reason{text: fields[2]}
	}
	return r, nil
}

// of returns the reason for a difference, or "".
func (r reasons) of(suite, test string) string {
	for {
		if found := r[known{suite, test}]; found != nil {
			found.used = true
			return found.text
		}
		end := strings.LastIndexByte(test, '/')
		if end < 0 {
			return ""
		}
		test = test[:end]
	}
}

// unused are the reasons of these suites that explained nothing.
func (r reasons) unused(of []suite) []string {
	var unused []string
	for k, reason := range r {
		if !reason.used && slices.ContainsFunc(of, func(s suite) bool { return s.name == k.suite }) {
			unused = append(unused, k.suite+" "+k.test)
		}
	}
	slices.Sort(unused)
	return unused
}

// A difference is a test that passes plain and does not pass through the pool. Without a reason it is new.
type difference struct{ test, reason string }

func compare(suite string, plain, pool gotest.Result, reasons reasons) []difference {
	var different []difference
	for _, test := range slices.Sorted(maps.Keys(plain.Passed)) {
		if pool.Passed[test] {
			continue
		}
		_, short, _ := strings.Cut(test, " ") // without the package
		different = append(different, difference{test: short, reason: reasons.of(suite, short)})
	}
	return different
}
