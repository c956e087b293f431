// Package gotest runs go test, and the commands before it, for the tools that make a
// page of what passes.
package gotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Result is what a run of go test has come to, by test: the package's path, a
// space and the test's name. A package that did not build, or ended before its
// tests had, is a failed test of an empty name.
type Result struct {
	Passed, Failed, Skipped map[string]bool // each has the tests that ended so
	Unbuilt                 map[string]bool // the packages whose tests did not build
	Panicked                bool            // a test has ended its package's process, so that others were never run
}

// Run runs go test with these arguments in a folder, with more environment. What
// a failed test has printed goes to standard error. The error is for a run that
// told nothing, and the context's for one that was not over; tests that fail are
// in the result.
func Run(ctx context.Context, dir string, env []string, arguments ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, arguments...)...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), env...), &errs
	// The end of go test alone would leave the tests' own processes running, with its output open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Result{}, err
	}
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	result, readErr := read(out, os.Stderr)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if readErr != nil {
		return result, errors.Join(readErr, err)
	}
	if err != nil && len(result.Failed) == 0 {
		return result, fmt.Errorf("go test: %w\n%s", err, errs.Bytes())
	}
	return result, nil
}

// read takes the events of go test -json apart. Lines that are no events are for the reader of the log.
func read(events io.Reader, log io.Writer) (Result, error) {
	r := Result{Passed: map[string]bool{}, Failed: map[string]bool{}, Skipped: map[string]bool{}, Unbuilt: map[string]bool{}}
	said := map[string]*bytes.Buffer{}
	decoder := json.NewDecoder(events)
	for {
		var e struct{ Action, Package, ImportPath, Test, Output, FailedBuild string }
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return r, nil
		} else if err != nil {
			return r, err
		}
		name := e.Package + " " + e.Test
		if e.Test == "" && e.Action != "fail" && !strings.Contains(e.Action, "output") {
			continue
		}
		switch e.Action {
		case "output", "build-output":
			if said[name] == nil {
				said[name] = &bytes.Buffer{}
			}
			if e.Action == "build-output" {
				fmt.Fprint(log, e.Output)
			}
			said[name].WriteString(e.Output)
			r.Panicked = r.Panicked || strings.HasPrefix(e.Output, "panic: ") || strings.HasPrefix(e.Output, "fatal error: ")
		case "pass":
			r.Passed[name] = true
			delete(said, name)
		case "skip":
			r.Skipped[name] = true
		case "fail":
			if e.FailedBuild != "" {
				r.Unbuilt[e.Package] = true
			}
			// A package fails with its tests; it is told of where it failed without them.
			if e.Test != "" || !anyOf(r.Failed, e.Package) {
				r.Failed[name] = true
				if said[name] != nil {
					fmt.Fprintf(log, "%s\n", said[name])
				}
			}
		}
	}
}

func anyOf(failed map[string]bool, pkg string) bool {
	for name := range failed {
		if strings.HasPrefix(name, pkg+" ") {
			return true
		}
	}
	return false
}

// Output runs a command in a folder, outside the workspace, and returns what it printed.
func Output(ctx context.Context, dir, name string, arguments ...string) ([]byte, error) {
	return OutputWith(ctx, dir, []string{"GOWORK=off"}, name, arguments...)
}

// OutputWith is Output with this environment beside the caller's.
func OutputWith(ctx context.Context, dir string, env []string, name string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}
