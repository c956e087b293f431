package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed differences.txt
var differences string

// reasons are the differences that are known: suite, test, why. A test's subtests have its reason.
type reasons map[[2]string]string

func readReasons() (reasons, error) {
	r := reasons{}
	for line := range strings.Lines(differences) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " | ", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("differences.txt: %q is not \"suite | test | reason\"", line)
		}
		r[[2]string{fields[0], fields[1]}] = fields[2]
	}
	return r, nil
}

func (r reasons) of(suite, test string) (string, bool) {
	for {
		if reason, ok := r[[2]string{suite, test}]; ok {
			return reason, true
		}
		end := strings.LastIndexByte(test, '/')
		if end < 0 {
			return "", false
		}
		test = test[:end]
	}
}
