package debugui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// The page has what the fleet itself says of its members, in JSON and in text.
func TestTheMembersOfAFleetAreShown(t *testing.T) {
	server := pgserver.Shared(t)
	connector, err := libpq.Connector(server.DSN(server.NewDatabase(t)))
	must(t, err)
	f := fleet.New(fleet.Config{Group: "orders", MaxConns: 20, Interval: 200 * time.Millisecond})
	u := debugui.New(debugui.Config{Fleet: f})
	p, err := sqlpool.New(sqlpool.Config{
		Connector: connector, MaxConns: 20, MinIdle: 1, SweepInterval: 20 * time.Millisecond, Hooks: []sqlpool.Hooks{f.Hooks(), u.Hooks()},
	})
	must(t, err)
	defer p.Close()
	l := &lab{t: t, pool: p, page: u.Handler()}
	for deadline := time.Now().Add(20 * time.Second); f.Status().Share < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", f.Status())
		}
	}
	s := f.Status() // alone and idle, it changes no more
	shown := l.view().Fleet
	if shown == nil || shown.Group != "orders" || shown.Limit != 20 || shown.Free != s.Free || !reflect.DeepEqual(shown.Members, s.Members) || len(s.Members) != 1 {
		t.Errorf("%+v, want %+v", shown, s)
	}
	w := httptest.NewRecorder()
	l.page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?format=text", nil))
	for _, want := range []string{"FLEET orders", fmt.Sprintf("%d of 20 connections free", s.Free), fmt.Sprintf("%08x (this pool)", s.Members[0].ID)} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q in %s", want, w.Body)
		}
	}
}
