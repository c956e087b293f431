package health_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	changed := make(chan health.Status, 2)
	monitor := health.New(health.Config{OnChange: func(_, to health.Status) { changed <- to }})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		MinIdle:   1,
		Hooks:     []sqlpool.Hooks{monitor.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := monitor.Ready() // http.Handle("/readyz", monitor.Ready())
	ask := func() int {
		w := httptest.NewRecorder()
		ready.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code
	}
	fmt.Println((<-changed).State, ask())
	if err := pool.Close(); err != nil {
		fmt.Println(err)
	}
	s := <-changed
	fmt.Println(s.State, s.Reasons, ask())
	// Output:
	// healthy 200
	// unhealthy [the pool is closed] 503
}
