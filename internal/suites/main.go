// Command suites runs other projects' tests on a PostgreSQL of its own, plain
// and through the pool, and writes the table of docs/suites.md. The projects
// come at pinned versions into a scratch folder; of theirs only the lines that
// open a database are changed. It ends with status 1 if a test that passes plain
// does not pass through the pool and differences.txt gives no reason.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/gotest"
	"github.com/sqlpool/go/internal/page"
	"github.com/sqlpool/go/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	table := flag.String("table", "", "the page whose tables are written")
	only := flag.String("only", "", "the suites to run, with commas between their names")
	flag.Parse()
	if err := run(ctx, *only, *table); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, file string) error {
	reasons, err := readReasons(differences)
	if err != nil {
		return err
	}
	chosen, err := pick(only)
	if err != nil {
		return err
	}
	counts := "| suite | version | pass plain | of them through the pool | differences |\n|---|---|---:|---:|---:|\n"
	list := "| suite | test | reason |\n|---|---|---|\n"
	unknown := 0
	for _, s := range chosen {
		plain, pool, err := s.sideBySide(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if len(plain.Passed) == 0 {
			return fmt.Errorf("%s: no test passes plain, so nothing was compared", s.name)
		}
		different := compare(s.name, plain, pool, reasons)
		for _, d := range different {
			if d.reason == "" {
				unknown++
				fmt.Fprintf(os.Stderr, "%s: %s passes plain and not through the pool, for a reason that differences.txt does not give\n", s.name, d.test)
			}
			list += fmt.Sprintf("| %s | `%s` | %s |\n", s.name, d.test, d.reason)
		}
		same := len(plain.Passed) - len(different)
		fmt.Fprintf(os.Stderr, "%s: %d pass plain, %d of them through the pool; %d fail plain, %d are skipped\n",
			s.name, len(plain.Passed), same, len(plain.Failed), len(plain.Skipped))
		counts += fmt.Sprintf("| %s | %s | %d | %d | %d |\n", s.name, s.source.version, len(plain.Passed), same, len(different))
	}
	for _, unused := range reasons.unused(chosen) {
		fmt.Fprintf(os.Stderr, "differences.txt gives a reason for %s, which was no difference this time\n", unused)
	}
	if unknown > 0 {
		return fmt.Errorf("%d new differences: make the pool answer as the driver does, or give the reason in internal/suites/differences.txt", unknown)
	}
	if file == "" || only != "" {
		return nil
	}
	if err := page.FillFile(file, "counts", counts); err != nil {
		return err
	}
	return page.FillFile(file, "differences", list)
}

// pick returns the suites of these names, all for none.
func pick(only string) ([]suite, error) {
	if only == "" {
		return suites, nil
	}
	var chosen []suite
	for name := range strings.SplitSeq(only, ",") {
		at := slices.IndexFunc(suites, func(s suite) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no suite %q", name)
		}
		chosen = append(chosen, suites[at])
	}
	return chosen, nil
}

// sideBySide runs the suite plain and through the pool, each on a server of its own, so that neither sees what the other
// has left behind.
func (s suite) sideBySide(ctx context.Context) (plain, pool gotest.Result, err error) {
	scratch, err := os.MkdirTemp("", "sqlpool-suites-")
	if err != nil {
		return plain, pool, err
	}
	defer os.RemoveAll(scratch)
	if plain, err = s.run(ctx, filepath.Join(scratch, "plain"), s.both, s.plain); err != nil {
		return plain, pool, fmt.Errorf("plain: %w", err)
	}
	if pool, err = s.run(ctx, filepath.Join(scratch, "pool"), s.both, s.pool); err != nil {
		return plain, pool, fmt.Errorf("through the pool: %w", err)
	}
	return plain, pool, nil
}

// run fetches the suite into dir, changes it, and runs it.
func (s suite) run(ctx context.Context, dir string, all ...changes) (gotest.Result, error) {
	server, err := pgserver.Start(ctx, pgserver.Options{MaxConnections: 200})
	if err != nil {
		return gotest.Result{}, err
	}
	defer server.Close()
	console := server.In("postgres")
	for _, statement := range append([]string{"CREATE DATABASE suite"}, s.setup...) {
		if err := console.Exec(ctx, statement); err != nil {
			return gotest.Result{}, err
		}
	}
	if err := s.source.fetch(ctx, dir); err != nil {
		return gotest.Result{}, err
	}
	words := strings.NewReplacer(words(server)...)
	if err := s.prepare(ctx, dir, words, all...); err != nil {
		return gotest.Result{}, err
	}
	// POOL_MIN_IDLE: a suite counts the connections that it has opened itself. POOL_SHUTDOWN_TIMEOUT: many tests close a
	// database while something of it is in use.
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod", "POOL_MIN_IDLE=0", "POOL_SHUTDOWN_TIMEOUT=1s"}
	for name, value := range s.env {
		env = append(env, name+"="+words.Replace(value))
	}
	result, err := gotest.Run(ctx, filepath.Join(dir, s.module), env, append([]string{"-count=1", "-vet=off", "-p=1", "-timeout=10m"}, s.tests...)...)
	if err == nil && result.Panicked {
		err = errors.New("a test has ended the run, so that others were not run and nothing can be compared")
	}
	return result, err
}
