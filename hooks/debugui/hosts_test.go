package debugui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/sqlpool"
)

// A site whose name leads to this machine has a browser send what is of one origin
// in every header but Host.
func TestAPageWithControlsKnowsItsNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{Controls: true, Hosts: []string{"Admin.Example", "pool.internal:6060"}}, sqlpool.Config{})
		ask := func(host string) (read, control int) {
			rebound := func(r *http.Request) {
				r.Host = host
				r.Header.Set("Origin", "http://"+host)
			}
			control, message := l.post(`{"do":"pause"}`, rebound)
			if control != http.StatusOK && !strings.Contains(message, "debugui.Config.Hosts") {
				t.Errorf("%s: %s", host, message)
			}
			if l.pool.Stats().Paused != (control == http.StatusOK) {
				t.Errorf("%s: %d, and the pool is paused: %v", host, control, l.pool.Stats().Paused)
			}
			l.pool.Resume()
			r := httptest.NewRequest(http.MethodGet, "/debug/sqlpool/?format=json", nil)
			rebound(r)
			w := l.ask(r)
			if w.Code != http.StatusOK && strings.Contains(w.Body.String(), "max_conns") {
				t.Errorf("%s is refused, and reads all the same: %s", host, w.Body)
			}
			return w.Code, control
		}
		for _, host := range []string{"evil.example:6060", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "admin.example.evil.example", "pool", "0x7f000001", "", "."} {
			if read, control := ask(host); read != http.StatusForbidden || control != http.StatusForbidden {
				t.Errorf("%q: reads get %d, controls %d", host, read, control)
			}
		}
		for _, host := range []string{"127.0.0.1:6060", "10.1.2.3", "[::1]:6060", "[::1]", "localhost:6060", "LOCALHOST", "localhost.", "admin.example:8443", "admin.example.", "pool.internal"} {
			if read, control := ask(host); read != http.StatusOK || control != http.StatusOK {
				t.Errorf("%q: reads get %d, controls %d", host, read, control)
			}
		}
	})
}

func TestAPageWithoutControlsAnswersUnderAnyNameUnlessNamesAreGiven(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, test := range []struct {
			hosts []string
			want  int
		}{{nil, http.StatusOK}, {[]string{"admin.example"}, http.StatusForbidden}} {
			l := open(t, debugui.Config{Hosts: test.hosts}, sqlpool.Config{})
			r := httptest.NewRequest(http.MethodGet, "http://anything.example/debug/sqlpool/", nil)
			if w := l.ask(r); w.Code != test.want {
				t.Errorf("with the names %q: %d %s", test.hosts, w.Code, w.Body)
			}
		}
	})
}
