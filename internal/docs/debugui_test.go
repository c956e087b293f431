package docs

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestLivePageByHand(t *testing.T) {
	http.DefaultServeMux = http.NewServeMux()
	connector, err := pgxv5.Connector(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := mountByHand(t, connector); err != nil {
		t.Fatal(err)
	}
	livePage(t, "pool orders: ", "THE LAST MINUTE", "MaxConns", "program")
}

func mountByHand(t *testing.T, connector driver.Connector) error {
	leaks := leak.New(leak.Config{After: 30 * time.Second})
	monitor := health.New(health.Config{Leaks: leaks})
	ui := debugui.New(debugui.Config{Leaks: leaks, Health: monitor})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector, Name: "orders", MaxConns: 20,
		Hooks: []sqlpool.Hooks{leaks.Hooks(), monitor.Hooks(), ui.Hooks()},
	})
	if err != nil {
		return err
	}
	http.Handle("/debug/sqlpool/", ui.Handler())

	t.Cleanup(func() { _ = pool.Close() })
	return pool.Warm(context.Background())
}

// The page of a pool that sql.Open made has percentiles too.
func TestLivePageOfSQLOpen(t *testing.T) {
	http.DefaultServeMux = http.NewServeMux()
	if err := mountByName(t, pgserver.Database(t)+"&pool_max_conns=7"); err != nil {
		t.Fatal(err)
	}
	livePage(t, "pool default: ", "pool_max_conns", "connection string", "pool_keepalive", "THE LAST MINUTE")
}

func mountByName(t *testing.T, dsn string) error {
	db, err := sql.Open("sqlpool-pgx", dsn)
	if err != nil {
		return err
	}
	monitor, _ := drivers.HealthOf(db)
	leaks, _ := drivers.LeaksOf(db)
	settings := func() []sqlpool.Setting {
		all, _ := drivers.SettingsOf(db) // at each look: SetMaxOpenConns may come later
		return all
	}
	ui := debugui.New(debugui.Config{Leaks: leaks, Health: monitor, Settings: settings})
	if err := drivers.AddHooks(db, ui.Hooks()); err != nil {
		return err // the database was used already
	}
	http.Handle("/debug/sqlpool/", ui.Handler())

	t.Cleanup(func() { _ = db.Close() })
	return db.PingContext(t.Context())
}

// livePage asks as curl does.
func livePage(t *testing.T, wants ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/sqlpool/", nil))
	text, _ := io.ReadAll(w.Body)
	for _, want := range wants {
		if w.Code != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%d, and no %q in\n%s", w.Code, want, text)
		}
	}
}
