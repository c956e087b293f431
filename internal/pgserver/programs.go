package pgserver

import (
	"cmp"
	"context"
	_ "embed" // for the sentence that scripts/postgres prints as well
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed missing.txt
var missing string

// ErrNoPrograms says that this machine has no PostgreSQL server, and what to do about it. scripts/postgres prints the same
// sentence from the same file.
var ErrNoPrograms = errors.New(strings.TrimSpace(missing))

// Programs is one installation of PostgreSQL's server programs.
type Programs struct {
	Dir     string // the real folder, symbolic links resolved
	Version string // as `postgres --version` prints it
}

// Find looks for the server programs in $SQLPOOL_PG_BIN, then on PATH, then where Debian and Homebrew put them (the newest
// version first). A set SQLPOOL_PG_BIN is never passed over: when it holds no server, that is the error. With no server
// anywhere the error is [ErrNoPrograms].
func Find(ctx context.Context) (Programs, error) {
	if dir := os.Getenv("SQLPOOL_PG_BIN"); dir != "" {
		if !holdsServer(dir) {
			return Programs{}, fmt.Errorf("pgserver: SQLPOOL_PG_BIN=%s has no initdb and postgres in it", dir)
		}
		return describe(ctx, dir)
	}
	for _, dir := range candidates() {
		if holdsServer(dir) {
			return describe(ctx, dir)
		}
	}
	return Programs{}, ErrNoPrograms
}

// candidates lists the folders to try, best first.
func candidates() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		// A distribution may link initdb alone onto PATH; its neighbours are where the link leads. A dangling link
		// leads nowhere and is passed over.
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb")); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/opt/homebrew/opt/postgresql/bin",
		"/usr/local/opt/postgresql@*/bin", "/usr/local/opt/postgresql/bin",
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	return dirs
}

// newestFirst expands a pattern with one version number in it. Names sort wrongly (9.6 after 15), numbers do not.
func newestFirst(pattern string) []string {
	dirs, _ := filepath.Glob(pattern) // the only error is a bad pattern, and ours are constants
	version := func(dir string) float64 {
		name := filepath.Base(filepath.Dir(dir))
		n, _ := strconv.ParseFloat(name[strings.LastIndexByte(name, '@')+1:], 64)
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return dirs
}

func holdsServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func describe(ctx context.Context, dir string) (Programs, error) {
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
		dir = filepath.Dir(real)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Programs{}, fmt.Errorf("pgserver: %s/postgres --version: %w", dir, err)
	}
	return Programs{Dir: dir, Version: strings.TrimSpace(string(out))}, nil
}

func (p Programs) path(name string) string { return filepath.Join(p.Dir, name) }

// hasLibrary says whether a loadable module is installed. The server would not start with an unknown name in
// shared_preload_libraries, so it has to be known before.
func (p Programs) hasLibrary(ctx context.Context, name string) bool {
	places := []string{"../lib", "../lib/postgresql", "../lib64/pgsql", "../lib/postgresql@*"}
	for i, place := range places {
		places[i] = filepath.Join(p.Dir, place)
	}
	if out, err := exec.CommandContext(ctx, p.path("pg_config"), "--pkglibdir").Output(); err == nil {
		places = append(places, strings.TrimSpace(string(out)))
	}
	for _, place := range places {
		for _, suffix := range []string{".so", ".dylib"} {
			if found, _ := filepath.Glob(filepath.Join(place, name+suffix)); len(found) > 0 {
				return true
			}
		}
	}
	return false
}
