package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// An outcome is what became of one change.
type outcome string

const (
	caught     outcome = "caught"
	survived   outcome = "survived"
	hangs      outcome = "caught: it hangs"
	unbuilt    outcome = "does not build"
	equivalent outcome = "equivalent"
)

// A suite is a set of tests that may catch a change.
type suite struct {
	what string
	args []string
}

// suites are the tests for a change, the nearest first.
func suitesFor(file string) []suite {
	all := []suite{
		{"its package's tests", []string{"./" + path.Dir(file)}},
		{"the conformance suite", []string{"-run", "^TestEveryRuleHolds$", "./conformance"}},
	}
	if strings.HasPrefix(file, "drivers/") { // which that suite does not use on a scripted database
		all = append(all, suite{"the tests of all drivers", []string{"./drivers/..."}})
	}
	return all
}

// runner tries changes.
type runner struct {
	root    string
	scratch string
	limit   time.Duration
}

// try builds and tests one change. by names the suite that has caught it.
func (r *runner) try(ctx context.Context, c change) (o outcome, by string, err error) {
	overlay, err := r.overlay(c)
	if err != nil {
		return "", "", err
	}
	if out, err := r.run(ctx, "build", "-overlay", overlay, "./"+path.Dir(c.file)); err != nil {
		return unbuilt, firstLine(out), ctx.Err()
	}
	for _, s := range suitesFor(c.file) {
		args := append([]string{"test", "-overlay", overlay, "-vet=off", "-count=1", "-failfast", fmt.Sprintf("-timeout=%v", r.limit)}, s.args...)
		limited, cancel := context.WithTimeout(ctx, r.limit+time.Minute) // the build, and what hears no timeout
		out, err := r.run(limited, args...)
		late := limited.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return "", "", ctx.Err()
		case err == nil:
		case late || bytes.Contains(out, []byte("panic: test timed out")):
			return hangs, s.what, nil
		case bytes.Contains(out, []byte("[build failed]")):
			return unbuilt, firstLine(out), nil
		default:
			return caught, s.what + firstFailure(out), nil
		}
	}
	return survived, "", nil
}

// overlay writes the changed file and the list that puts it in the place of the one
// that is there.
func (r *runner) overlay(c change) (string, error) {
	original := filepath.Join(r.root, filepath.FromSlash(c.file))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed, list := filepath.Join(r.scratch, "changed.go"), filepath.Join(r.scratch, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	return list, errors.Join(os.WriteFile(changed, c.apply(source), 0o600), os.WriteFile(list, text, 0o600))
}

func (r *runner) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.WaitDelay = r.root, 10*time.Second
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	return cmd.CombinedOutput()
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

func firstFailure(out []byte) string {
	if m := failure.FindAllSubmatch(out, -1); m != nil {
		return ", " + string(m[len(m)-1][1])
	}
	return ""
}

func firstLine(out []byte) string {
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}
