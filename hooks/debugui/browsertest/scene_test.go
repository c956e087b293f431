package browsertest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// scene is a program with a pool on a server that may be killed.
type scene struct {
	server *pgserver.Server
	pool   *sqlpool.Pool
	db     *sql.DB
	url    string
	asked  atomic.Int64 // requests for news
	gone   atomic.Bool  // no answer to any

	answers sync.Map // the JSON that was answered, by its at
}

// answer returns the answer that was put together at that time.
func (s *scene) answer(at string) (v debugui.View, ok bool) {
	body, ok := s.answers.Load(at)
	if !ok {
		return v, false
	}
	return v, json.Unmarshal(body.([]byte), &v) == nil
}

const leakAfter = 2 * time.Second

func stage(t *testing.T, ui debugui.Config, cfg sqlpool.Config) *scene {
	t.Helper()
	s := &scene{server: pgserver.Run(t, pgserver.Options{MaxConnections: max(100, cfg.MaxConns+20)})}
	must(t, s.server.Exec(t.Context(), `
		CREATE TABLE orders (id int PRIMARY KEY, customer int, total numeric, placed timestamptz DEFAULT now());
		INSERT INTO orders SELECT i, i % 50, i FROM generate_series(1, 1000) i;
		CREATE TABLE stock (sku int PRIMARY KEY, left_over int);
		INSERT INTO stock SELECT i, 1000000 FROM generate_series(1, 200) i`))
	connector, err := pgxv5.Connector(s.server.DSN("postgres"))
	must(t, err)
	leaks := leak.New(leak.Config{After: leakAfter})
	monitor := health.New(health.Config{Leaks: leaks})
	ui.Leaks, ui.Health = leaks, monitor
	page := debugui.New(ui)
	cfg.Connector, cfg.Name = connector, "orders"
	cfg.Hooks = []sqlpool.Hooks{recycle.MaxUses(2000), leaks.Hooks(), monitor.Hooks(), page.Hooks()}
	s.pool, err = sqlpool.New(cfg)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.pool.Shutdown(ctx) // with what a test has leaked
	})
	must(t, s.pool.Warm(t.Context()))
	s.db = sqlpool.OpenDB(s.pool)

	mux := http.NewServeMux()
	handler := page.Handler()
	mux.HandleFunc("/debug/sqlpool/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") == "json" {
			s.asked.Add(1)
		}
		if s.gone.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Query().Get("format") != "json" {
			handler.ServeHTTP(w, r)
			return
		}
		kept := httptest.NewRecorder()
		handler.ServeHTTP(kept, r)
		var v struct{ At string }
		if json.Unmarshal(kept.Body.Bytes(), &v) == nil {
			s.answers.Store(v.At, kept.Body.Bytes()) // before the page has it
		}
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes())
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s.url = web.URL + "/debug/sqlpool/"
	return s
}

// work has that many callers use the database until the test ends.
func (s *scene) work(t *testing.T, callers int) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				if s.buy(ctx) != nil { // the server is gone: a real program waits too
					pause(ctx, 20*time.Millisecond)
				}
				pause(ctx, time.Duration(rand.ExpFloat64()*float64(8*time.Millisecond)))
			}
		})
	}
	t.Cleanup(func() { cancel(); all.Wait() })
}

func (s *scene) buy(ctx context.Context) error {
	if rand.IntN(3) > 0 {
		rows, err := s.db.QueryContext(ctx, "SELECT id, total FROM orders WHERE customer = $1 ORDER BY placed DESC LIMIT 20", rand.IntN(50))
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Close()
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "UPDATE stock SET left_over = left_over - $1 WHERE sku = $2", 1, rand.IntN(200)+1); err != nil {
		return err
	}
	pause(ctx, time.Duration(rand.ExpFloat64()*float64(6*time.Millisecond))) // the program's own work
	return tx.Commit()
}

// forgetful is the function that the page has to name.
func forgetful(t *testing.T, s *scene) *sql.Tx {
	t.Helper()
	tx, err := s.db.BeginTx(context.Background(), nil)
	must(t, err)
	_, err = tx.Exec("UPDATE orders SET total = total + $1 WHERE id = $2", 10, 42)
	must(t, err)
	return tx
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
