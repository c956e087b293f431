package docs

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// One import and one word.
import _ "github.com/sqlpool/go/drivers"

func TestReadmeSwap(t *testing.T) {
	db, err := sql.Open("sqlpool-pgx", "postgres://app@db.example/orders?pool_max_conns=20")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil { // nothing was dialed
		t.Fatal(err)
	}
}

func TestReadmeByHand(t *testing.T) {
	http.DefaultServeMux = http.NewServeMux()
	if err := byHand(t.Context(), pgserver.Database(t)); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable { // the pool is closed by now
		t.Errorf("/readyz: %d %s", w.Code, w.Body)
	}
}

func byHand(ctx context.Context, dsn string) error {
	connector, err := pgxv5.Connector(dsn) // or libpq.Connector(dsn)
	if err != nil {
		return err
	}
	leaks := leak.New(leak.Config{After: 30 * time.Second, Report: leak.Log(slog.Default())})
	monitor := health.New(health.Config{Leaks: leaks})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector, Name: "orders", MaxConns: 20, MinIdle: 2, AcquireTimeout: 5 * time.Second,
		Hooks: []sqlpool.Hooks{
			recycle.MaxLifetime(time.Hour), recycle.MaxUses(50_000),
			leaks.Hooks(), monitor.Hooks(), slogger.Hooks(slog.Default()),
		},
	})
	if err != nil {
		return err // every problem of the configuration at once
	}
	if err := pool.Warm(ctx); err != nil {
		return err // the first dial error
	}
	db := sqlpool.OpenDB(pool) // a *sql.DB from here on; closing it closes the pool
	http.Handle("/readyz", monitor.Ready())

	defer db.Close()
	_, err = db.ExecContext(ctx, "SELECT 1")
	return err
}

func TestLoggingGuide(t *testing.T) {
	connector, err := pgxv5.Connector("host=127.0.0.1 port=1 user=app dbname=app")
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector,
		Hooks:     []sqlpool.Hooks{slogger.Hooks(logger)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
}
