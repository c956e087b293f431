// Command matrix runs the tests on the versions of Go, PostgreSQL and the
// drivers that are supported, and writes the table of docs/versions.md. With
// -corners it runs only the lowest of everything and the highest, and writes
// nothing. It fetches all versions before the first test, and with -fetch does
// no more; the tests then run without the module proxy. It ends with status 1
// and says which if a version could not be fetched, a package did not build, a
// test failed or a row of the table was not over in time.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/internal/gotest"
	"github.com/sqlpool/go/internal/page"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.BoolVar(&o.corners, "corners", false, "only the lowest of everything and the highest")
	flag.BoolVar(&o.fetch, "fetch", false, "only fetch the versions")
	flag.BoolVar(&o.race, "race", false, "with the race detector")
	flag.DurationVar(&o.limit, "limit", time.Hour, "how long one combination of versions may take")
	flag.StringVar(&o.table, "table", "", "the page whose table is written")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

type options struct {
	corners, fetch, race bool
	limit                time.Duration // of a cell
	table                string        // a file's name
}

func run(ctx context.Context, o options) error {
	scratch, err := os.MkdirTemp("", "sqlpool-matrix-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var chosen []cell
	var wrong []error
	for i, c := range cells {
		if o.corners && !c.corner {
			continue
		}
		c.mod = filepath.Join(scratch, fmt.Sprint(i), "go.mod")
		if c.bin, err = c.fetch(ctx); err != nil {
			wrong = append(wrong, fmt.Errorf("%v: fetching: %w", c, err))
		}
		chosen = append(chosen, c)
	}
	if o.fetch || len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	var rows string
	for _, c := range chosen {
		fmt.Fprintln(os.Stderr, c)
		begun := time.Now()
		result, err := c.run(ctx, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(os.Stderr, "\t%d passed, %d failed, %d skipped, in %v\n",
			len(result.Passed), len(result.Failed), len(result.Skipped), time.Since(begun).Round(time.Second))
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%v: %w", c, err))
		case len(result.Unbuilt) > 0:
			wrong = append(wrong, fmt.Errorf("%v: did not build: %s", c, strings.Join(slices.Sorted(maps.Keys(result.Unbuilt)), ", ")))
		case len(result.Failed) > 0:
			wrong = append(wrong, fmt.Errorf("%v: %d tests failed", c, len(result.Failed)))
		case len(result.Passed) == 0:
			wrong = append(wrong, fmt.Errorf("%v: there were no tests", c))
		}
		rows += fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %d |\n",
			c.goVersion(), c.postgres, c.pgx, c.pq, c.what(), len(result.Passed), len(result.Failed))
	}
	if len(wrong) > 0 || o.table == "" || o.corners {
		return errors.Join(wrong...)
	}
	return page.FillFile(o.table, "matrix", "| Go | PostgreSQL | pgx | lib/pq | packages | passed | failed |\n|---|---|---|---|---|---:|---:|\n"+rows)
}

func (c cell) String() string {
	return fmt.Sprintf("Go %s, PostgreSQL %s, pgx %s, lib/pq %s", c.goVersion(), c.postgres, c.pgx, c.pq)
}

// goVersion is the toolchain's, or that of the go command at hand.
func (c cell) goVersion() string {
	return cmp.Or(c.golang, strings.TrimPrefix(runtime.Version(), "go"))
}

// what names the packages for the table.
func (c cell) what() string {
	return "`" + strings.Join(c.packages, "`, `") + "`"
}

// fetch gets the toolchain, the server's programs, whose folder it returns, and the modules. go.mod stays as it is: another
// one, in a folder of its own, requires the drivers.
func (c cell) fetch(ctx context.Context) (bin string, err error) {
	if err := os.Mkdir(filepath.Dir(c.mod), 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(c.mod), name), text, 0o600); err != nil {
			return "", err
		}
	}
	if _, err := gotest.Output(ctx, ".", "go", "mod", "edit", "-require=github.com/jackc/pgx/v5@"+c.pgx, "-require=github.com/lib/pq@"+c.pq, c.mod); err != nil {
		return "", err
	}
	// A list of all that the tests import downloads the toolchain and the modules, and completes go.sum.
	list := append([]string{"list", "-deps", "-test"}, c.packages...)
	if _, err := gotest.OutputWith(ctx, ".", c.env(), "go", list...); err != nil {
		return "", err
	}
	out, err := gotest.Output(ctx, ".", filepath.Join("scripts", "pgversion"), c.postgres)
	return strings.TrimSpace(string(out)), err
}

// env chooses the versions also for a go command that a test runs.
func (c cell) env() []string {
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod -vet=off -modfile=" + c.mod}
	if c.golang != "" {
		env = append(env, "GOTOOLCHAIN=go"+c.golang)
	}
	return env
}

// run tests the library with these versions.
func (c cell) run(ctx context.Context, o options) (gotest.Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("not over in %v", o.limit))
	defer cancel()
	arguments := []string{"-count=1", "-p=1", "-timeout=15m"}
	if o.race {
		arguments = append(arguments, "-race")
	}
	env := append(c.env(), "SQLPOOL_PG_BIN="+c.bin, "GOPROXY=off") // what is missing now is a fault of fetch
	return gotest.Run(ctx, ".", env, append(arguments, c.packages...)...)
}
