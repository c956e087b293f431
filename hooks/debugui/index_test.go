package debugui_test

import (
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestSeveralPoolsHaveAnIndex(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var pages []*debugui.UI
		var pools []*sqlpool.Pool
		for _, name := range []string{"orders", "audit log/eu", "orders"} {
			u, server := debugui.New(debugui.Config{}), fakedb.New()
			if name != "orders" {
				server.On(fakedb.Connect, fakedb.Fault{Err: errors.New("refused")})
			}
			p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), Name: name, MinIdle: 1, Hooks: []sqlpool.Hooks{u.Hooks()}})
			must(t, err)
			defer p.Close()
			pages, pools = append(pages, u), append(pools, p)
		}
		pages = append(pages, debugui.New(debugui.Config{})) // its pool has not started
		time.Sleep(2 * time.Second)
		index := debugui.Index(pages...)
		ask := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			index.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w
		}

		var all debugui.Pools
		must(t, json.Unmarshal(ask("/debug/sqlpool/?format=json").Body.Bytes(), &all))
		if len(all.Pools) != 4 || all.Pools[0].Name != "audit log/eu" || all.Pools[0].Level != debugui.Unhealthy || all.Pools[1].Level != debugui.Healthy ||
			all.Pools[1].URL != "orders/" || all.Pools[2].URL != "orders-2/" || all.Process.PID == 0 {
			t.Errorf("the list: %+v", all)
		}
		for _, format := range []string{"html", "text"} {
			body := ask("/debug/sqlpool/?format=" + format).Body.String()
			for _, want := range []string{"audit log/eu", "unhealthy", "refused", "orders-2", "not started"} {
				if !strings.Contains(body, want) {
					t.Errorf("%s has no %q:\n%s", format, want, body)
				}
			}
		}
		if body := ask("/debug/sqlpool/?format=html").Body.String(); !strings.Contains(body, `href="audit%20log%2feu/"`) && !strings.Contains(body, `href="audit%20log%2Feu/"`) {
			t.Errorf("no way to the pool:\n%s", body)
		}

		pools[2].Pause()
		var v debugui.View
		must(t, json.Unmarshal(ask("/debug/sqlpool/orders-2/?format=json").Body.Bytes(), &v))
		if v.Pool != "orders" || !v.Paused {
			t.Errorf("the second of two of one name: %s, paused: %v", v.Pool, v.Paused)
		}
		must(t, json.Unmarshal(ask("/debug/sqlpool/audit%20log%2Feu/?format=json").Body.Bytes(), &v))
		if v.Pool != "audit log/eu" {
			t.Errorf("a name with a slash leads to %q", v.Pool)
		}
	})
}

// What the index links to, and where it sends a request without the slash, is the pool's
// page, whatever is in its name: the pools of replicas have slashes and colons.
func TestTheIndexLeadsToPoolsOfAnyName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		names := []string{"orders", "db1:5432", "orders/replica/db2:5432", "orders/replica/[::1]:5432", "50% of 1/2 & more?#'é\"", "javascript:x", "eu/"}
		var pages []*debugui.UI
		for _, name := range names {
			u := debugui.New(debugui.Config{})
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Name: name, Hooks: []sqlpool.Hooks{u.Hooks()}})
			must(t, err)
			defer p.Close()
			pages = append(pages, u)
		}
		mux := http.NewServeMux()
		mux.Handle("/debug/sqlpool/", debugui.Index(pages...))
		mux.Handle("/behind/", http.StripPrefix("/behind", mux))
		ask := func(u *url.URL, format string) *httptest.ResponseRecorder {
			asked := *u
			asked.RawQuery = "format=" + format
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, asked.String(), nil))
			return w
		}
		resolve := func(base *url.URL, to string) *url.URL {
			t.Helper()
			u, err := url.Parse(to)
			must(t, err)
			if u.IsAbs() {
				t.Errorf("%q leads away", to)
			}
			return base.ResolveReference(u)
		}
		isPageOf := func(name string, u *url.URL) {
			t.Helper()
			var v debugui.View
			if w := ask(u, "json"); json.Unmarshal(w.Body.Bytes(), &v) != nil || v.Pool != name {
				t.Errorf("%s leads to pool %q, want %q: %d %.200s", u, v.Pool, name, w.Code, w.Body)
			}
		}
		link := regexp.MustCompile(`<a class="banner pool"[^>]* href="([^"]*)"`)
		for _, at := range []string{"http://localhost/debug/sqlpool/", "http://localhost/behind/debug/sqlpool/"} {
			index, err := url.Parse(at)
			must(t, err)
			var all debugui.Pools
			must(t, json.Unmarshal(ask(index, "json").Body.Bytes(), &all))
			links := link.FindAllStringSubmatch(ask(index, "html").Body.String(), -1)
			if len(all.Pools) != len(names) || len(links) != len(names) {
				t.Fatalf("%d pools and %d links, want %d", len(all.Pools), len(links), len(names))
			}
			for i, name := range names {
				isPageOf(name, resolve(index, all.Pools[i].URL))
				isPageOf(name, resolve(index, html.UnescapeString(links[i][1])))
				bare := resolve(index, strings.TrimSuffix(all.Pools[i].URL, "/"))
				w := ask(bare, "json")
				if w.Code != http.StatusMovedPermanently {
					t.Errorf("%s without a slash: %d", bare, w.Code)
				}
				to := resolve(bare, w.Header().Get("Location"))
				if to.String() != resolve(index, all.Pools[i].URL).String() {
					t.Errorf("%s leads to %s", bare, to)
				}
				isPageOf(name, to)
			}
		}
	})
}

func TestAnIndexOfOnePoolIsItsPage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := debugui.New(debugui.Config{})
		p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Name: "orders", Hooks: []sqlpool.Hooks{u.Hooks()}})
		must(t, err)
		defer p.Close()
		w := httptest.NewRecorder()
		debugui.Index(u).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/sqlpool/?format=json", nil))
		var v debugui.View
		must(t, json.Unmarshal(w.Body.Bytes(), &v))
		if v.Pool != "orders" {
			t.Errorf("%s", w.Body)
		}
	})
}
