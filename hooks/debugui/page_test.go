package debugui_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/sqlpool"
)

func TestWhatAFormatIsChosenBy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{})
		for _, test := range []struct{ url, accept, want string }{
			{"/x/", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"},
			{"/x/", "*/*", "text/plain; charset=utf-8"}, // curl
			{"/x/", "application/json", "application/json"},
			{"/", "text/html", "text/html; charset=utf-8"},
			{"/x?format=json", "text/html", "application/json"},
			{"/x?format=text", "text/html", "text/plain; charset=utf-8"},
		} {
			r := httptest.NewRequest(http.MethodGet, test.url, nil)
			r.Header.Set("Accept", test.accept)
			w := l.ask(r)
			if got := w.Header().Get("Content-Type"); got != test.want || w.Code != http.StatusOK {
				t.Errorf("%s for %s: %d %s", test.url, test.accept, w.Code, got)
			}
			if w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: headers %v", test.url, w.Header())
			}
		}
		if w := l.ask(httptest.NewRequest(http.MethodGet, "/?format=xml", nil)); w.Code != http.StatusBadRequest {
			t.Errorf("xml: %d", w.Code)
		}
		if w := l.ask(httptest.NewRequest(http.MethodDelete, "/", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("DELETE: %d", w.Code)
		}
	})
}

func TestTheTextSaysWhatThePageSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 2})
		loan := l.acquire()
		time.Sleep(45 * time.Second)
		text := l.get("text")
		for _, want := range []string{
			"pool orders: DEGRADED since", "1 of 2 connections open: 1 in use", "THE LAST MINUTE", "connection 1 held for 45s, TOO LONG",
			"TestTheTextSaysWhatThePageSays", "leak, connection 1: held too long", "CONFIGURATION", "MaxConns", "opened, connection 1",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		must(t, loan.Release())
	})
}

// The page is whole: what it needs stands in it, and nothing can end its script
// early.
func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{Name: `</script><img src=x>`})
		html := l.get("html")
		for _, never := range []string{"src=\"http", "href=\"http", "@import", "url(", "<img"} {
			if strings.Contains(html, never) {
				t.Errorf("there is %q in the page", never)
			}
		}
		if n := len(html); n > 100_000 {
			t.Errorf("the page is %d bytes", n)
		}
	})
}

func TestAdvice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{
			MaxConns: 1, MinIdle: 1, AcquireTimeout: time.Second,
			ConnectTimeout: 6 * time.Second, PingTimeout: time.Second, FailFastAfter: time.Minute,
		})
		text := strings.Join(l.view().Advice, "\n")
		for _, want := range []string{
			"MaxConns (pool_max_conns) is 1", "MinIdle (pool_min_idle) is MaxConns", "ConnectTimeout (pool_connect_timeout) is 6s",
			"set 5s, the default", "PingTimeout (pool_ping_timeout) is 1s, not below AcquireTimeout (pool_acquire_timeout), which is 1s", "set 500ms",
			"FailFastAfter (pool_fail_fast_after) is 1m0s",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %s", want, text)
			}
		}
		for _, patience := range []time.Duration{2 * time.Second, 5 * time.Second} { // as docs/sizing.md has it
			if short := open(t, debugui.Config{}, sqlpool.Config{AcquireTimeout: patience}); len(short.view().Advice) != 0 {
				t.Errorf("about an acquire timeout of %v: %q", patience, short.view().Advice)
			}
		}
		if quiet := open(t, debugui.Config{}, sqlpool.Config{}); len(quiet.view().Advice) != 0 {
			t.Errorf("about the defaults: %q", quiet.view().Advice)
		}
		note := sqlpool.Setting{Name: "pool_close_timeout", Value: "1h23m20s", Source: "environment", Note: "POOL_CLOSE_TIMEOUT=5000 is read as seconds"}
		noted := open(t, debugui.Config{Settings: func() []sqlpool.Setting { return []sqlpool.Setting{note} }}, sqlpool.Config{})
		if v := noted.view(); !slices.Equal(v.Advice, []string{note.Note}) || !strings.Contains(v.String(), "note: "+note.Note) {
			t.Errorf("%q in\n%s", v.Advice, v)
		}
		note.Note = "SetMaxOpenConns(4) does not exceed pool_max_conns" // called after the page was mounted
		if v := noted.view(); !slices.Equal(v.Advice, []string{note.Note}) {
			t.Errorf("later: %q", v.Advice)
		}
	})
}

// The settings may come from the code that parsed them; what Resize changes is
// shown in any case.
func TestSettingsFromElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Settings: func() []sqlpool.Setting {
			return []sqlpool.Setting{
				{Name: "pool_max_conns", Value: "4", Source: "connection string"}, {Name: "pool_keepalive", Value: "0s", Source: "default"},
			}
		}}, sqlpool.Config{MaxConns: 4})
		must(t, l.pool.Resize(6, 0))
		want := []debugui.Setting{{"pool_max_conns", "6", sqlpool.SettingResized, ""}, {"pool_keepalive", "0s", "default", ""}}
		if got := l.view().Config; !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
	})
}
