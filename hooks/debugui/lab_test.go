package debugui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// lab is a pool with a page about it.
type lab struct {
	t      *testing.T
	server *fakedb.DB
	pool   *sqlpool.Pool
	page   http.Handler
}

func open(t *testing.T, ui debugui.Config, cfg sqlpool.Config) *lab {
	t.Helper()
	l := &lab{t: t, server: fakedb.New()}
	leaks := leak.New(leak.Config{After: 30 * time.Second})
	monitor := health.New(health.Config{Leaks: leaks})
	ui.Leaks, ui.Health = leaks, monitor
	if ui.Controls && ui.Hosts == nil {
		ui.Hosts = []string{"app.example", "example.com"} // those of the requests below
	}
	u := debugui.New(ui)
	l.page = u.Handler()
	if cfg.Connector == nil {
		cfg.Connector = l.server.Connector()
	}
	if cfg.Name == "" {
		cfg.Name = "orders"
	}
	cfg.Hooks = append(cfg.Hooks, leaks.Hooks(), monitor.Hooks(), u.Hooks())
	var err error
	l.pool, err = sqlpool.New(cfg)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.pool.Shutdown(ctx) // with what the test left out
	})
	return l
}

// ask sends one request.
func (l *lab) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.page.ServeHTTP(w, r)
	return w
}

// get asks for a format.
func (l *lab) get(format string) string {
	l.t.Helper()
	w := l.ask(httptest.NewRequest(http.MethodGet, "/debug/sqlpool/?format="+format, nil))
	if w.Code != http.StatusOK {
		l.t.Fatalf("%s: %d %s", format, w.Code, w.Body)
	}
	return w.Body.String()
}

func (l *lab) view() (v debugui.View) {
	l.t.Helper()
	d := json.NewDecoder(strings.NewReader(l.get("json")))
	d.DisallowUnknownFields()
	must(l.t, d.Decode(&v))
	return v
}

// post sends what the page's own script would, or what the test changes of it.
func (l *lab) post(body string, change func(*http.Request)) (status int, message string) {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://app.example/debug/sqlpool/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	w := l.ask(r)
	var answer struct {
		OK      bool
		Message string
	}
	must(l.t, json.Unmarshal(w.Body.Bytes(), &answer))
	if answer.OK != (w.Code == http.StatusOK) {
		l.t.Errorf("%d, but ok is %v", w.Code, answer.OK)
	}
	return w.Code, answer.Message
}

func (l *lab) acquire() sqlpool.Loan {
	l.t.Helper()
	loan, err := l.pool.Acquire(context.Background())
	must(l.t, err)
	return loan
}

// kinds are the events' kinds, the newest first.
func kinds(v debugui.View) string {
	var all []string
	for _, e := range v.Events {
		all = append(all, e.Kind)
	}
	return strings.Join(all, " ")
}

// find returns the newest event of a kind.
func find(t *testing.T, v debugui.View, kind string) debugui.Event {
	t.Helper()
	for _, e := range v.Events {
		if e.Kind == kind {
			return e
		}
	}
	t.Fatalf("no event %s among %s", kind, kinds(v))
	return debugui.Event{}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }
