//go:build unix

package outage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// watchdog bounds what must not hang. It is no expectation.
const watchdog = time.Minute

var adapters = []struct {
	driver string
	open   func(dsn string, login func() string) (driver.Connector, error)
}{{"pgx", AdapterPgx}, {"libpq", AdapterPQ}}

// lab is a scene with sqlpool in it, through one driver.
type lab struct {
	*testing.T
	scene  *Scene
	driver string
	pool   *sqlpool.Pool
	db     *sql.DB
	book   *ledger.Book
	misses *misses
}

// route is nil, or what stands between the pool and the server.
type route func(context.Context, *Scene) error

// onEach runs a test through each driver, each on a server of its own.
func onEach(t *testing.T, o pgserver.Options, r route, cfg sqlpool.Config, test func(l *lab)) {
	for _, a := range adapters {
		t.Run(a.driver, func(t *testing.T) {
			timed(t, func(t *testing.T, m *misses) {
				test(newLab(t, newScene(t, o, r), m, a.driver, a.open, cfg))
			})
		})
	}
}

func newScene(t *testing.T, o pgserver.Options, r route) *Scene {
	t.Helper()
	ctx := bounded(t)
	scene, err := NewScene(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := scene.Close(); err != nil {
			t.Error(err)
		}
	})
	if r != nil {
		if err := r(ctx, scene); err != nil {
			t.Fatal(err)
		}
	}
	return scene
}

func newLab(t *testing.T, scene *Scene, m *misses, name string, open func(string, func() string) (driver.Connector, error), cfg sqlpool.Config) *lab {
	t.Helper()
	l := &lab{T: t, scene: scene, driver: name, book: new(ledger.Book), misses: m}
	var err error
	if cfg.Connector, err = open(scene.DSN(), scene.LogIn); err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = MaxConns
	}
	if l.pool, err = sqlpool.New(cfg); err != nil {
		t.Fatal(err)
	}
	l.db = sqlpool.OpenDB(l.pool)
	t.Cleanup(func() { l.db.Close() })
	return l
}

// peer opens one of the contenders on a scene.
func peer(t *testing.T, scene *Scene, pool, driver string, conns int) *Client {
	t.Helper()
	for _, c := range Contenders() {
		if c.Pool == pool && c.Driver == driver {
			client, err := c.connect(scene, conns)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			return client
		}
	}
	t.Fatalf("no contender is %s on %s", pool, driver)
	return nil
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

func (l *lab) ctx() context.Context { return bounded(l.T) }

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// fill opens all connections and leaves them idle.
func (l *lab) fill() {
	l.Helper()
	l.must(Fill(l.ctx(), l.db, l.pool.Config().MaxConns))
	if s := l.pool.Stats(); s.Idle != s.MaxConns {
		l.Fatalf("not all connections are idle: %+v", s)
	}
}

// load sets callers to work, who write a token every so often.
func (l *lab) load(callers int, every, deadline time.Duration) *Run {
	return Load{Callers: callers, Every: every, Deadline: deadline, Write: Insert(l.db, 0), Book: l.book}.Start(context.Background())
}

// steady waits until every caller is served.
func (l *lab) steady(r *Run, writes int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx(), patience)
	defer cancel()
	if err := r.Steady(ctx, writes); err != nil {
		l.Fatalf("not every caller is served: %v; %+v", err, l.pool.Stats())
	}
}

// stop ends a run and returns its writes.
func (l *lab) stop(r *Run) []Try {
	l.Helper()
	tries, stuck, overdue := r.Stop(watchdog)
	if stuck > 0 {
		l.Fatalf("%d calls have not returned, %v after the deadline", stuck, overdue)
	}
	return tries
}

// audited holds the book against the server.
func (l *lab) audited() {
	l.Helper()
	seen, err := l.scene.Seen(l.ctx())
	l.must(err)
	a := l.book.Audit(seen)
	if err := a.Err(); err != nil {
		l.Error(err)
	}
	l.Logf("%d acknowledged, %d failed, %d unknown", a.Acknowledged, a.Failed, a.Unknown)
}

// emptied closes the pool and waits until nothing of it is left.
func (l *lab) emptied() {
	l.Helper()
	if err := l.db.Close(); err != nil {
		l.Errorf("closing the pool: %v", err)
	}
	for ctx := l.ctx(); ; {
		n, stacks := Goroutines()
		if n == 0 {
			return
		}
		if lasts(ctx, time.Millisecond) != nil {
			l.Fatalf("%d goroutines are left of the pool:\n%s", n, stacks)
		}
	}
}

// figures digests a run's writes and logs them.
func (l *lab) figures(tries []Try, broken, accepted time.Time, callers int) Figures {
	var f Figures
	tries = slices.DeleteFunc(slices.Clone(tries), func(t Try) bool { return t.Returned.Before(broken) })
	f.count(tries, 0)
	f.recovery(tries, accepted, callers)
	l.Logf("%d statements, %d errors, first success %v ms, full service %v ms, worst overrun %v ms, %q",
		f.Statements, f.Errors, f.FirstSuccess, f.FullService, f.WorstOverrun, f.Messages)
	return f
}

// within checks a bound in milliseconds.
func (l *lab) within(what string, got float64, bound time.Duration) {
	if got < 0 || got > millis(bound) {
		l.misses.add("%s: %s: %v ms, want at most %v", l.driver, what, got, bound)
	}
}

// code is what a health check that asks h sees.
func code(h http.Handler) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code
}
