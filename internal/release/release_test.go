package release

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/docs"
)

const (
	root   = "../.."
	module = "github.com/sqlpool/go"

	// No release will have this version, so that nothing can be taken from elsewhere in place of the tree.
	version = "v0.987.0"
)

// A stranger fetches the library, and each nested module alone, and the command; and builds the README's snippets.
func TestEachModuleCanBeFetched(t *testing.T) {
	repo := tagged(t)
	modules := modulesOf(t, repo)
	if len(modules) < 5 {
		t.Fatalf("only %d modules: %v", len(modules), modules)
	}
	env := proxy(t, repo, modules)
	for _, m := range modules {
		t.Run(strings.TrimPrefix(m, module+"/"), func(t *testing.T) {
			files := importing(t, repo, m)
			if m == module {
				for name, code := range pasted(t) {
					files[path.Join("pasted", name)] = code
				}
			}
			dir := program(t, files)
			run(t, dir, env, "go", "get", m)
			run(t, dir, env, "go", "build", "-mod=mod", "./...") // go.mod as go mod tidy makes it, without what others' tests need
			got := run(t, dir, env, "go", "list", "-m", "-f", "{{.Version}} {{.Replace}}", m)
			if want := version + " <nil>\n"; got != want {
				t.Errorf("got %s: %q, want %q", m, got, want)
			}
		})
	}
	t.Run("the command", func(t *testing.T) {
		bin := t.TempDir()
		run(t, t.TempDir(), append(env, "GOBIN="+bin), "go", "install", module+"/cmd/sqlpool@latest")
		if help := run(t, bin, env, filepath.Join(bin, "sqlpool"), "--help"); !strings.Contains(help, "soak") {
			t.Errorf("its help names no verb:\n%s", help)
		}
	})
}

// tagged is a repository with the files of this tree, released as CONTRIBUTING.md says.
func tagged(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "repo")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		to = filepath.Join(dir, to)
		switch {
		case d.Name() == ".git", d.IsDir() && d.Name() == "bin":
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(to, 0o700)
		case !d.Type().IsRegular():
			return nil // a socket of a program that runs here
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	git := []string{"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=release", "GIT_AUTHOR_EMAIL=release@localhost", "GIT_COMMITTER_NAME=release", "GIT_COMMITTER_EMAIL=release@localhost"}
	changelog := filepath.Join(dir, "CHANGELOG.md")
	text, err := os.ReadFile(changelog)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("\n## Unreleased\n"), []byte("\n## Unreleased\n\n## "+version[1:]+"\n"), 1)
	if err := os.WriteFile(changelog, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, git, "git", "init", "-q")
	run(t, dir, git, filepath.Join(dir, "scripts", "version"), version)
	run(t, dir, git, "git", "add", "-A")
	run(t, dir, git, "git", "commit", "-q", "-m", "all: "+version)
	run(t, dir, git, filepath.Join(dir, "scripts", "tag"))
	return dir
}

// modulesOf are the paths of the modules in go.work.
func modulesOf(t *testing.T, repo string) []string {
	t.Helper()
	return strings.Fields(run(t, repo, nil, "go", "list", "-m"))
}

// proxy is the environment of a program elsewhere: its own module cache, and a module proxy of files that has the
// modules as go has fetched them from the repository's tags. What others have published comes from this machine's cache
// where that has it.
func proxy(t *testing.T, repo string, modules []string) (env []string) {
	t.Helper()
	others := "file://" + filepath.Join(strings.TrimSpace(run(t, repo, nil, "go", "env", "GOMODCACHE")), "cache", "download") +
		"," + strings.TrimSpace(run(t, repo, nil, "go", "env", "GOPROXY"))
	own := filepath.Join(t.TempDir(), "own")
	// Hashes are checked against this repository's own go.sum files, not against a database that has never seen the version.
	common := []string{"GOWORK=off", "GOFLAGS=-modcacherw -trimpath -buildvcs=false", "GOSUMDB=off", "GONOPROXY=", "GOPRIVATE="}

	fetch := append(slices.Clone(common), "GOMODCACHE="+own, "GONOPROXY="+module, "GOPROXY="+others,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+repo+".insteadOf", "GIT_CONFIG_VALUE_0=https://"+module, "GIT_ALLOW_PROTOCOL=file")
	arguments := []string{"mod", "download", "-json"}
	for _, m := range modules {
		arguments = append(arguments, m+"@"+version)
	}
	run(t, t.TempDir(), fetch, "go", arguments...)

	return append(common, "GOMODCACHE="+filepath.Join(t.TempDir(), "cache"),
		"GOPROXY=file://"+filepath.Join(own, "cache", "download")+","+others)
}

// importing is a program that imports every package of a module that may be imported.
func importing(t *testing.T, repo, m string) map[string]string {
	t.Helper()
	code := "package main\n\n"
	list := run(t, filepath.Join(repo, strings.TrimPrefix(m, module)), nil, "go", "list", "-f", "{{.Name}} {{.ImportPath}} {{len .GoFiles}}", "./...")
	for line := range strings.SplitSeq(strings.TrimSpace(list), "\n") {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] == "main" || fields[2] == "0" || slices.Contains(strings.Split(fields[1], "/"), "internal") {
			continue
		}
		code += fmt.Sprintf("import _ %q\n", fields[1])
	}
	return map[string]string{"main.go": code + "\nfunc main() {}\n"}
}

func pasted(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := docs.Paste("README.md", string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 3 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

// program is a module with these files.
func program(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	files["go.mod"] = "module example.com/program\n\ngo 1.25.0\n"
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a command to its end and returns what it wrote to its standard output.
func run(t *testing.T, dir string, env []string, name string, arguments ...string) string {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok { // a command must not outlive the test, and its name must be told
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, name, arguments...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(arguments, " "), err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}
