package docs

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
)

var (
	shell = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```")
	query = regexp.MustCompile("(?ms)^ *```sql\n(.*?)^ *```")

	// Long work is not done for a guide's sake: that its target or package exists is all that is looked at.
	known = regexp.MustCompile(`^ *(make [a-z-]+|go (?:build|install|test|run) .*)`)
	path  = regexp.MustCompile(`(?:^|\s)(\./\S+)`)
)

// Every command of the guides is run, in a shell of its own, on a database ($DATABASE_URL) and beside a program that has
// what the guides say a program should have: localhost:8080 for the platform, localhost:6060 for operators. $CLONE is this
// repository.
func TestEveryCommandRuns(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	var env []string
	var service string
	ran := 0
	for _, page := range pages(t) {
		for _, match := range shell.FindAllStringSubmatch(read(t, page), -1) {
			script := match[1]
			if known.MatchString(script) {
				for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
					checkKnown(t, filepath.Base(page), makefile, line)
				}
				continue
			}
			if env == nil {
				env, service = laboratory(t)
			}
			ran++
			t.Run(filepath.Base(page), func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", strings.NewReplacer("localhost:8080", service, "localhost:6060", service).Replace(script))
				cmd.Env, cmd.Dir = env, program(t)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s\n%s", err, script, out)
				}
			})
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands were run", ran)
	}
}

// program is a folder with a reader's module in it, which reports metrics.
func program(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/service\n\ngo 1.25.0\n",
		"main.go": "package main\n\nimport _ \"github.com/sqlpool/go/hooks/prommetric\"\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkKnown looks whether the target of make, or the packages of a go command, exist.
func checkKnown(t *testing.T, page, makefile, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " #")
	switch fields := strings.Fields(line); {
	case !known.MatchString(line):
		t.Errorf("%s: %q stands among commands that are too long to be run: give it a block of its own", page, line)
	case fields[0] == "make":
		if !strings.Contains(makefile, "\n"+fields[1]+":") {
			t.Errorf("%s: make has no target %q", page, fields[1])
		}
	default:
		for _, found := range path.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(found[1], "..."))); err != nil {
				t.Errorf("%s: %q: %v", page, line, err)
			}
		}
	}
}

var served = regexp.MustCompile(`(?:localhost|127\.0\.0\.1):(\d+)(/[a-z/]*)?`)

// A reader mounts the page once: all guides, and the command's own help, look for it at the same port.
func TestThePageIsAtOnePort(t *testing.T) {
	files := pages(t)
	for _, verb := range []string{"watch.go", "demo.go"} {
		files = append(files, filepath.Join(root, "cmd", "sqlpool", verb))
	}
	found := 0
	for _, file := range files {
		for _, at := range served.FindAllStringSubmatch(read(t, file), -1) {
			port, path := at[1], at[2]
			operators := strings.HasPrefix(path, "/debug/") || strings.HasPrefix(path, "/metrics") || strings.HasSuffix(file, ".go") && port != "0"
			if operators {
				found++
			}
			if operators && port != "6060" || port == "6060" && path == "/readyz" {
				t.Errorf("%s: %s", filepath.Base(file), at[0])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d addresses", found)
	}
}

// Go refuses to install a command by its version when its module has replace directives; internal/release installs it.
func TestHowTheCommandIsInstalled(t *testing.T) {
	const command = "go install github.com/sqlpool/go/cmd/sqlpool@latest"
	said := 0
	for _, page := range pages(t) {
		text := read(t, page)
		said += strings.Count(text, command)
		if other := strings.Count(text, "cmd/sqlpool@") - strings.Count(text, command); other != 0 {
			t.Errorf("%s: the command is installed in another way than %q", filepath.Base(page), command)
		}
	}
	if said < 3 {
		t.Errorf("said in %d places", said)
	}
}

// Every SQL of the guides is executed, as a superuser, in a database of its own.
func TestEveryQueryRuns(t *testing.T) {
	console := pgserver.NewConsole(pgserver.Database(t))
	for _, page := range pages(t) {
		for _, match := range query.FindAllStringSubmatch(read(t, page), -1) {
			if err := console.Exec(t.Context(), "BEGIN; "+match[1]+"; ROLLBACK"); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(page), err, match[1])
			}
		}
	}
}

var object = regexp.MustCompile("(?ms)^ *```json\n(.*?)^ *```")

// Every JSON of the guides can be read, and the command in it knows its flags.
func TestEveryJSONIsRead(t *testing.T) {
	for _, page := range pages(t) {
		for _, match := range object.FindAllStringSubmatch(read(t, page), -1) {
			var config struct {
				MCPServers map[string]struct{ Args []string }
			}
			if err := json.Unmarshal([]byte(match[1]), &config); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
			for _, server := range config.MCPServers {
				verb := read(t, filepath.Join(root, "cmd", "sqlpool", "mcp.go"))
				for _, arg := range server.Args {
					name, isFlag := strings.CutPrefix(arg, "--")
					if field := strings.ReplaceAll(name, "-", ""); isFlag && !strings.Contains(strings.ToLower(verb), "\t"+field+" ") {
						t.Errorf("%s: sqlpool mcp has no flag %s", filepath.Base(page), arg)
					}
				}
			}
		}
	}
}

// laboratory is a database, a program on it with its pages, and a PATH with the command and the server's programs.
func laboratory(t *testing.T) (env []string, service string) {
	t.Helper()
	bin := t.TempDir()
	install := exec.Command("go", "install", "./cmd/sqlpool") // as the guides say
	install.Dir, install.Env = root, append(os.Environ(), "GOBIN="+bin)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folders := []string{bin}
	if programs, err := pgserver.Find(t.Context()); err == nil { // psql is with them where it is not on PATH
		folders = append(folders, programs.Dir)
	}
	dsn := pgserver.Database(t)
	db, err := sql.Open("sqlpool-pgx", dsn+"&pool_leak_profile=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	monitor, _ := drivers.HealthOf(db)
	leaks, _ := drivers.LeaksOf(db)
	page := debugui.New(debugui.Config{Leaks: leaks, Health: monitor})
	if err := drivers.AddHooks(db, page.Hooks()); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/readyz", monitor.Ready())
	mux.Handle("/livez", monitor.Live())
	mux.Handle("/debug/sqlpool/", page.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)

	clone, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	env = append(os.Environ(), "DATABASE_URL="+dsn, "CLONE="+clone,
		"PATH="+strings.Join(append(folders, os.Getenv("PATH")), string(os.PathListSeparator)))
	return env, strings.TrimPrefix(web.URL, "http://")
}
