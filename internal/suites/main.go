// Command suites runs other projects' tests on a PostgreSQL of its own, plain
// and through the pool, and writes the table of docs/suites.md. The projects
// come through the module proxy at pinned versions into a scratch folder; of
// theirs only the lines that open a database are changed. It ends with status 1
// if a test that passes plain does not pass through the pool and
// differences.txt gives no reason.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/gotest"
	"github.com/sqlpool/go/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	table := flag.String("table", "", "the page whose tables are written")
	only := flag.String("only", "", "the one suite to run")
	flag.Parse()
	if err := run(ctx, *only, *table); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, page string) error {
	reasons, err := readReasons()
	if err != nil {
		return err
	}
	counts := "| suite | version | pass plain | pass through the pool | differences |\n|---|---|---:|---:|---:|\n"
	list := "| suite | test | reason |\n|---|---|---|\n"
	unknown, found := 0, false
	for _, s := range suites {
		if only != "" && s.name != only {
			continue
		}
		found = true
		plain, pool, err := s.sideBySide(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		different := 0
		for _, test := range slices.Sorted(maps.Keys(plain.Passed)) {
			if pool.Passed[test] {
				continue
			}
			different++
			_, short, _ := strings.Cut(test, " ")
			reason, known := reasons.of(s.name, short)
			if !known {
				unknown++
				fmt.Fprintf(os.Stderr, "%s: %s passes plain and not through the pool, for a reason that differences.txt does not give\n", s.name, short)
			}
			list += fmt.Sprintf("| %s | `%s` | %s |\n", s.name, short, reason)
		}
		fmt.Fprintf(os.Stderr, "%s: %d pass plain, %d through the pool\n", s.name, len(plain.Passed), len(pool.Passed))
		counts += fmt.Sprintf("| %s | %s | %d | %d | %d |\n", s.name, s.version, len(plain.Passed), len(pool.Passed), different)
	}
	if !found {
		return fmt.Errorf("there is no suite %q", only)
	}
	if unknown > 0 {
		return fmt.Errorf("%d new differences: make the pool answer as the driver does, or give the reason in internal/suites/differences.txt", unknown)
	}
	if page == "" || only != "" {
		return nil
	}
	if err := gotest.Fill(page, "counts", counts); err != nil {
		return err
	}
	return gotest.Fill(page, "differences", list)
}

// sideBySide runs the suite plain and through the pool, each on a server of its own, so that neither sees what the other
// has left behind.
func (s suite) sideBySide(ctx context.Context) (plain, pool gotest.Result, err error) {
	scratch, err := os.MkdirTemp("", "sqlpool-suites-")
	if err != nil {
		return plain, pool, err
	}
	defer os.RemoveAll(scratch)
	source, err := download(ctx, s.module+"@"+s.version)
	if err != nil {
		return plain, pool, err
	}
	for _, way := range []string{"plain", "pool"} {
		dir := filepath.Join(scratch, way)
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			return plain, pool, err
		}
		if err := writable(dir); err != nil {
			return plain, pool, err
		}
		if err := s.prepare(ctx, dir, way == "pool"); err != nil {
			return plain, pool, err
		}
		result, err := s.runOnServer(ctx, dir)
		if err != nil {
			return plain, pool, fmt.Errorf("%s: %w", way, err)
		}
		if way == "plain" {
			plain = result
		} else {
			pool = result
		}
	}
	return plain, pool, nil
}

func (s suite) runOnServer(ctx context.Context, dir string) (gotest.Result, error) {
	server, err := pgserver.Start(ctx, pgserver.Options{MaxConnections: 200})
	if err != nil {
		return gotest.Result{}, err
	}
	defer server.Close()
	console := server.In("postgres")
	for _, statement := range s.setup {
		if err := console.Exec(ctx, statement); err != nil {
			return gotest.Result{}, err
		}
	}
	// POOL_MIN_IDLE: a suite counts the connections that it has opened itself.
	env := append([]string{"GOWORK=off", "GOFLAGS=-mod=mod", "POOL_MIN_IDLE=0"}, s.env(server)...)
	return gotest.Run(ctx, filepath.Join(dir, s.folder), env, append([]string{"-count=1", "-vet=off", "-p=1", "-timeout=10m"}, s.packages...)...)
}

// prepare makes the copy a module that builds, and for the pool changes the lines that open a database.
func (s suite) prepare(ctx context.Context, dir string, pool bool) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	edit := []string{"mod", "edit", "-go=1.25.0", "-toolchain=none"}
	if pool {
		edit = append(edit, "-require=github.com/sqlpool/go@v0.1.0", "-replace=github.com/sqlpool/go="+here)
	}
	if _, err := output(ctx, filepath.Join(dir, s.folder), "go", edit...); err != nil {
		return err
	}
	if !pool {
		return nil
	}
	for _, p := range s.patches {
		file := filepath.Join(dir, p.file)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(p.old)) {
			return fmt.Errorf("%s has no %q: the patch is for another version", p.file, p.old)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(p.old), []byte(p.new)), 0o600); err != nil {
			return err
		}
	}
	for name, text := range s.grafts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func download(ctx context.Context, version string) (dir string, err error) {
	out, err := output(ctx, os.TempDir(), "go", "mod", "download", "-json", version)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	return module.Dir, nil
}

// writable undoes what the module cache does to its files.
func writable(dir string) error {
	return filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(file, 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(file, info.Mode().Perm()|0o600)
	})
}

func output(ctx context.Context, dir, name string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}
