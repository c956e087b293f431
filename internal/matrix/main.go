// Command matrix runs the tests on the versions of Go, PostgreSQL and the
// drivers that are supported, and writes the table of docs/versions.md. With
// -corners it runs only the lowest of everything and the highest, and writes
// nothing. It ends with status 1 if a test failed.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sqlpool/go/internal/gotest"
	"github.com/sqlpool/go/internal/page"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	corners := flag.Bool("corners", false, "only the lowest of everything and the highest")
	race := flag.Bool("race", false, "with the race detector")
	table := flag.String("table", "", "the page whose table is written")
	flag.Parse()
	if err := run(ctx, *corners, *race, *table); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, corners, race bool, file string) error {
	var rows []string
	failed := 0
	for _, c := range cells {
		if corners && !c.corner {
			continue
		}
		fmt.Fprintf(os.Stderr, "Go %s, PostgreSQL %s, pgx %s, lib/pq %s\n", c.goVersion(), c.postgres, c.pgx, c.pq)
		result, err := c.run(ctx, race)
		if err != nil {
			return fmt.Errorf("Go %s, PostgreSQL %s, pgx %s, lib/pq %s: %w", c.goVersion(), c.postgres, c.pgx, c.pq, err)
		}
		fmt.Fprintf(os.Stderr, "\t%d passed, %d failed, %d skipped\n", len(result.Passed), len(result.Failed), len(result.Skipped))
		failed += len(result.Failed)
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %d |\n", c.goVersion(), c.postgres, c.pgx, c.pq, c.what(), len(result.Passed), len(result.Failed)))
	}
	if file != "" && !corners {
		if err := page.FillFile(file, "matrix", "| Go | PostgreSQL | pgx | lib/pq | packages | passed | failed |\n|---|---|---|---|---|---:|---:|\n"+strings.Join(rows, "")); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d tests failed", failed)
	}
	return nil
}

// goVersion is the toolchain's, or that of the go command at hand.
func (c cell) goVersion() string {
	return cmp.Or(c.golang, strings.TrimPrefix(runtime.Version(), "go"))
}

// what names the packages for the table.
func (c cell) what() string {
	return "`" + strings.Join(c.packages, "`, `") + "`"
}

// run tests the library with these versions. go.mod stays as it is: another one, in a folder of its own, requires the
// drivers.
func (c cell) run(ctx context.Context, race bool) (gotest.Result, error) {
	scratch, err := os.MkdirTemp("", "sqlpool-matrix-")
	if err != nil {
		return gotest.Result{}, err
	}
	defer os.RemoveAll(scratch)
	mod := filepath.Join(scratch, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return gotest.Result{}, err
		}
		if err := os.WriteFile(filepath.Join(scratch, name), text, 0o600); err != nil {
			return gotest.Result{}, err
		}
	}
	bin, err := gotest.Output(ctx, ".", filepath.Join("scripts", "pgversion"), c.postgres)
	if err != nil {
		return gotest.Result{}, err
	}
	if _, err := gotest.Output(ctx, ".", "go", "mod", "edit", "-require=github.com/jackc/pgx/v5@"+c.pgx, "-require=github.com/lib/pq@"+c.pq, mod); err != nil {
		return gotest.Result{}, err
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod", "SQLPOOL_PG_BIN=" + strings.TrimSpace(string(bin))}
	if c.golang != "" {
		env = append(env, "GOTOOLCHAIN=go"+c.golang)
	}
	arguments := []string{"-modfile=" + mod, "-count=1", "-p=1", "-timeout=15m", "-vet=off"}
	if race {
		arguments = append(arguments, "-race")
	}
	return gotest.Run(ctx, ".", env, append(arguments, c.packages...)...)
}
