package debugui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	ui := debugui.New(debugui.Config{})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		Name:      "orders",
		MaxConns:  20,
		Hooks:     []sqlpool.Hooks{ui.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	if err := pool.Warm(context.Background()); err != nil {
		fmt.Println(err)
	}

	page := ui.Handler() // http.Handle("/debug/sqlpool/", ui.Handler())
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/sqlpool/?format=json", nil))
	var v debugui.View
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		fmt.Println(err)
	}
	fmt.Println(v.Pool, v.Status.State, v.Gauges.Idle, "of", v.Gauges.MaxConns, "idle")
	// Output:
	// orders up 1 of 20 idle
}
