package debugui_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
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
		if w := ask("/debug/sqlpool/orders"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/debug/sqlpool/orders/" {
			t.Errorf("without a slash: %d to %s", w.Code, w.Header().Get("Location"))
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
