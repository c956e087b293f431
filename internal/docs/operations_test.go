package docs

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestOperationsMounts(t *testing.T) {
	public, internal := http.NewServeMux(), http.NewServeMux()
	db, err := mount(pgserver.Database(t), public, internal)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, mux := range map[string]http.Handler{"/readyz": public, "/livez": public, "/debug/sqlpool/": internal} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func mount(dsn string, public, internal *http.ServeMux) (*sql.DB, error) {
	var opened *sql.DB
	err := func() error {
		db, err := sql.Open("sqlpool-pgx", dsn)
		if err != nil {
			return err
		}
		pool, _ := drivers.PoolOf(db) // starts the pool
		monitor, _ := drivers.HealthOf(db)
		leaks, _ := drivers.LeaksOf(db) // nil when pool_leak_detection=false
		settings, _ := drivers.SettingsOf(db)

		public.Handle("/readyz", monitor.Ready())
		public.Handle("/livez", monitor.Live())
		internal.Handle("/debug/sqlpool/", debugui.Handler(pool, leaks, monitor, debugui.Config{Settings: settings}))

		opened = db
		return nil
	}()
	return opened, err
}

func TestOperationsPlannedWork(t *testing.T) {
	db, pool, err := drivers.Open("sqlpool-pgx", pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := pool.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.Recycle(t.Context(), 0); err != nil { // pool.Reset of pgxpool
		t.Error(err)
	}
	if err := resize(pool); err != nil || pool.Stats().MaxConns != 30 || pool.Stats().MinIdle != 4 {
		t.Errorf("%+v (%v)", pool.Stats(), err)
	}
	rest(pool, func() {
		if !pool.Stats().Paused {
			t.Error("not paused")
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := recycle5(ctx, pool); err == nil { // it takes five minutes
		t.Error("the window was not kept to")
	}
	end(pool)
	if s := pool.Stats(); s.State != sqlpool.StateClosed || s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

func resize(pool *sqlpool.Pool) error {
	if err := pool.Resize(30, 4); err != nil { // MaxConns, MinIdle
		return err
	}
	return nil
}

func recycle5(ctx context.Context, pool *sqlpool.Pool) error {
	if err := pool.Recycle(ctx, 5*time.Minute); err != nil { // each connection once, at a random moment of that window
		return err
	}
	return nil
}

func rest(pool *sqlpool.Pool, restart func()) {
	pool.Pause()
	defer pool.Resume()
	restart()
}

func end(pool *sqlpool.Pool) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := pool.Shutdown(ctx); err != nil {
		slog.Error("connections were cut off", "error", err) // each with its holder
	}
}

var (
	metric  = regexp.MustCompile(`\bsqlpool_[a-z_]+`)
	reasons = regexp.MustCompile("(?m)^\\| (`[a-z_`, ]+`) \\|")
	histo   = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// The metrics, reasons and settings that the guides name exist.
func TestTheGuidesNameWhatExists(t *testing.T) {
	guide := read(t, filepath.Join(root, "docs", "operations.md"))
	metrics := read(t, filepath.Join(root, "hooks", "prommetric", "doc.go"))
	found := metric.FindAllString(guide, -1)
	if len(found) < 8 {
		t.Errorf("only the metrics %q", found)
	}
	for _, name := range found {
		if !strings.Contains(metrics, histo.ReplaceAllString(name, "")) {
			t.Errorf("operations.md names %s, which hooks/prommetric has not", name)
		}
	}

	_, table, _ := strings.Cut(guide, "## Connections break")
	table, _, _ = strings.Cut(table, "\n## ")
	logging := read(t, filepath.Join(root, "docs", "logging.md"))
	for _, row := range reasons.FindAllStringSubmatch(table, -1) {
		for _, reason := range strings.Split(row[1], ", ") {
			if !strings.Contains(logging, reason) {
				t.Errorf("operations.md explains the reason %s, which logging.md has not", reason)
			}
		}
	}

	settings := read(t, filepath.Join(root, "docs", "settings.md"))
	pgxpools := []string{"pool_max_conn"} // beginnings of names that are of no setting of ours
	for _, page := range []string{"migrating.md", "operations.md", "poolers-and-failover.md", "sizing.md"} {
		for _, name := range regexp.MustCompile("`(pool_[a-z_]+)").FindAllStringSubmatch(read(t, filepath.Join(root, "docs", page)), -1) {
			known := strings.Contains(settings, "`"+name[1]+"`")
			for _, other := range append(pgxpools, "pool_mode") { // the latter is PgBouncer's
				known = known || name[1] == other
			}
			if !known {
				t.Errorf("%s names %s, which settings.md has not", page, name[1])
			}
		}
	}
}

var code = regexp.MustCompile(`\bCode[A-Z][A-Za-z]* += "([a-z_]+)"`)

// Every code of a reason stands in the guides to logs and operations.
func TestTheGuidesHaveEveryReason(t *testing.T) {
	found := 0
	for _, dir := range folders(t) {
		if !strings.HasPrefix(dir, filepath.Join(root, "sqlpool")) && !strings.HasPrefix(dir, filepath.Join(root, "hooks")) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, match := range code.FindAllStringSubmatch(read(t, file), -1) {
				found++
				for _, page := range []string{"logging.md", "operations.md"} {
					if !strings.Contains(read(t, filepath.Join(root, "docs", page)), "`"+match[1]+"`") {
						t.Errorf("%s has not the reason %q of %s", page, match[1], file)
					}
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d codes found", found)
	}
}

var link = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

// Links between pages lead somewhere, and those within a page to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text := read(t, page)
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			file, anchor := match[1], strings.TrimPrefix(match[2], "#")
			target := page
			if strings.Contains(file, "://") {
				continue
			}
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s: %v", filepath.Base(page), err)
					continue
				}
			}
			if anchor != "" && !strings.Contains(anchors(read(t, target)), " "+anchor+" ") {
				t.Errorf("%s: %s has no heading #%s", filepath.Base(page), filepath.Base(target), anchor)
			}
		}
	}
}

// anchors are the headings of a page as links to them are written.
func anchors(text string) string {
	all := " "
	for line := range strings.SplitSeq(text, "\n") {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			slug := strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
					return r
				}
				return -1
			}, strings.ToLower(heading))
			all += slug + " "
		}
	}
	return all
}
