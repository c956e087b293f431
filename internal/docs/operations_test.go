package docs

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestOperationsMounts(t *testing.T) {
	db, public, internal, err := mount(pgserver.Database(t) + "&pool_leak_profile=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, mux := range map[string]http.Handler{"/readyz": public, "/livez": public, "/debug/sqlpool/": internal, "/debug/readyz": internal, "/debug/pprof/sqlpool.inuse": internal} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func mount(dsn string) (opened *sql.DB, probes, operators http.Handler, err error) {
	err = func() error {
		db, err := sql.Open("sqlpool-pgx", dsn)
		if err != nil {
			return err
		}
		monitor, _ := drivers.HealthOf(db)
		leaks, _ := drivers.LeaksOf(db) // nil when pool_leak_detection=false
		settings := func() []sqlpool.Setting {
			all, _ := drivers.SettingsOf(db) // at each look: SetMaxOpenConns may come later
			return all
		}
		page := debugui.New(debugui.Config{Leaks: leaks, Health: monitor, Settings: settings})
		if err := drivers.AddHooks(db, page.Hooks()); err != nil { // and those of metrics
			return err
		}
		drivers.PoolOf(db) // starts the pool: no hooks from here on

		public, internal := http.NewServeMux(), http.NewServeMux()
		public.Handle("/readyz", monitor.Ready())
		public.Handle("/livez", monitor.Live())
		internal.Handle("/debug/sqlpool/", page.Handler())
		internal.Handle("/debug/readyz", monitor.Details())
		internal.HandleFunc("/debug/pprof/", pprof.Index) // net/http/pprof

		opened, probes, operators = db, public, internal
		return nil
	}()
	return opened, probes, operators, err
}

func TestOperationsPlannedWork(t *testing.T) {
	h, err := drivers.Open("sqlpool-pgx", pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db, pool := h.DB, h.Pool
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
