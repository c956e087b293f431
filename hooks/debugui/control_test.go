package debugui_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

func TestControlsAreRefusedWithoutTheOption(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{})
		status, message := l.post(`{"do":"pause"}`, nil)
		if status != http.StatusForbidden || !strings.Contains(message, "debugui.Config.Controls") {
			t.Errorf("%d %s", status, message)
		}
		if v := l.view(); v.Controls || v.Paused {
			t.Errorf("controls %v, paused %v", v.Controls, v.Paused)
		}
	})
}

func TestControls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 4, MinIdle: 2})
		must(t, l.pool.Warm(t.Context()))
		do := func(body string) {
			t.Helper()
			if status, message := l.post(body, nil); status != http.StatusOK {
				t.Errorf("%s: %d %s", body, status, message)
			}
			synctest.Wait()
		}
		do(`{"do":"pause"}`)
		if v := l.view(); !v.Paused || v.Status.Level != debugui.Paused || find(t, v, debugui.KindControl).Text != health.ReasonPaused {
			t.Errorf("paused: %+v, %s", v.Status, kinds(v))
		}
		do(`{"do":"resume"}`)
		if v := l.view(); v.Paused || v.Status.Level != debugui.Healthy {
			t.Errorf("resumed: %+v", v.Status)
		}
		do(`{"do":"resize","max_conns":8,"min_idle":3}`)
		v := l.view()
		if g := v.Gauges; g.MaxConns != 8 || g.MinIdle != 3 || g.Idle != 3 {
			t.Errorf("resized: %+v", g)
		}
		for _, s := range v.Config {
			if s.Name == "MaxConns" && s.Source != sqlpool.SettingResized {
				t.Errorf("%+v", s)
			}
		}
		do(`{"do":"recycle","seconds":10}`)
		if status, message := l.post(`{"do":"recycle","seconds":1}`, nil); status != http.StatusConflict {
			t.Errorf("twice at once: %d %s", status, message)
		}
		time.Sleep(15 * time.Second)
		v = l.view()
		if v.Recycling || find(t, v, debugui.KindControl).Text != "all connections are recycled" || v.Closes[0] != (debugui.Closes{Reason: "recycled", Count: 3}) {
			t.Errorf("recycled: %+v, %+v", v.Closes, v.Events)
		}
	})
}

// Who has done what can be read later.
func TestControlsAreLogged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		plain := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
		l := open(t, debugui.Config{Controls: true, Log: slog.New(plain)}, sqlpool.Config{MaxConns: 4})
		for _, body := range []string{`{"do":"pause"}`, `{"do":"resume"}`, `{"do":"resize","max_conns":8,"min_idle":3}`, `{"do":"recycle","seconds":0.5}`, `{"do":"resize"}`} {
			l.post(body, func(r *http.Request) { r.RemoteAddr = "192.0.2.7:4711" })
		}
		l.post(`{"do":"pause"}`, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }) // not an operator's
		time.Sleep(time.Second)
		const done = `level=INFO msg="pool controlled from its page" pool=orders control=`
		want := done + "pause from=192.0.2.7:4711\n" +
			done + "resume from=192.0.2.7:4711\n" +
			done + "resize from=192.0.2.7:4711 max_conns=8 min_idle=3\n" +
			done + "recycle from=192.0.2.7:4711 seconds=0.5\n" +
			`level=WARN msg="a control of the pool's page was refused" pool=orders control=resize from=192.0.2.7:4711 max_conns=0 min_idle=0 error="`
		if got := out.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 5 {
			t.Errorf("logged\n%s\nwant\n%s", got, want)
		}
	})
}

// The monitor's judgement is a sweep old at times; the page says what holds now, in
// one wording.
func TestAPauseIsToldOnceAndAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Controls: true}, sqlpool.Config{})
		must(t, l.acquire().Release())
		for range 2 {
			l.pool.Pause()
			for range 3 {
				v := l.view()
				if !slices.Equal(v.Status.Reasons, []string{health.ReasonPaused}) || v.Status.Level != debugui.Paused || len(v.Status.Steps) != 1 {
					t.Errorf("paused: %+v", v.Status)
				}
				time.Sleep(time.Second)
			}
			l.pool.Resume()
			for range 3 {
				if v := l.view(); len(v.Status.Reasons) != 0 || v.Status.Level != debugui.Healthy || len(v.Status.Steps) != 0 {
					t.Errorf("resumed: %+v", v.Status)
				}
				time.Sleep(time.Second)
			}
		}
	})
}

func TestControlsThatMakeNoSense(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Controls: true}, sqlpool.Config{})
		for body, want := range map[string]int{
			`{"do":"drop"}`:                                 http.StatusConflict,
			`{"do":"resize","max_conns":0}`:                 http.StatusConflict,
			`{"do":"resize","max_conns":2,"min_idle":3}`:    http.StatusConflict,
			`{"do":"recycle","seconds":-1}`:                 http.StatusConflict,
			`{"do":"recycle","seconds":1e300}`:              http.StatusConflict,
			`{"do":"pause","force":true}`:                   http.StatusBadRequest,
			`pause`:                                         http.StatusBadRequest,
			`{"do":"` + strings.Repeat("pause", 1000) + `"`: http.StatusBadRequest,
		} {
			if status, message := l.post(body, nil); status != want || message == "" || strings.Contains(message, "\n") {
				t.Errorf("%.60s: %d %s", body, status, message)
			}
		}
		// What was wrong, its value, the rule and the remedy.
		for body, want := range map[string]string{
			`{"do":"drop"}`:                 `do is "drop": there is no such control; use pause, resume, recycle or resize`,
			`{"do":"resize","max_conns":0}`: "sqlpool: Config.MaxConns is 0: a pool that runs needs a connection; use a positive number, or Pause",
			`{"do":"recycle","seconds":-1}`: "seconds is -1: it must be between 0 and 3600; use for example 60",
		} {
			if _, message := l.post(body, nil); message != want {
				t.Errorf("%s: %q, want %q", body, message, want)
			}
		}
	})
}

// What another site's page can have a browser send never gets through.
func TestControlsOfAnotherSite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Controls: true}, sqlpool.Config{})
		for name, change := range map[string]func(*http.Request){
			"cross-site":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"same-site":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"an old browser":  func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://evil.example") },
			"a sandbox":       func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
			"a form":          func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
			"a form in plain": func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
			"no type":         func(r *http.Request) { r.Header.Del("Content-Type") },
		} {
			if status, message := l.post(`{"do":"pause"}`, change); status == http.StatusOK || l.pool.Stats().Paused {
				t.Errorf("%s: %d %s", name, status, message)
				l.pool.Resume()
			}
		}
		if status, _ := l.post(`{"do":"pause"}`, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }); status != http.StatusOK {
			t.Errorf("curl: %d", status)
		}
	})
}
