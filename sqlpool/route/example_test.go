package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// What docs/replicas.md shows.

func openRouted(connectors [3]driver.Connector) (*sql.DB, *route.Router, error) {
	var pools []*sqlpool.Pool
	for i, connector := range connectors {
		pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: fmt.Sprintf("orders-%d", i), MaxConns: 20})
		if err != nil {
			return nil, nil, err
		}
		pools = append(pools, pool)
	}

	router, err := route.New(route.Config{Primary: pools[0], Replicas: pools[1:]})
	if err != nil {
		return nil, nil, err
	}
	db := route.OpenDB(router) // a *sql.DB; closing it closes the router and its pools
	return db, router, nil
}

func countOrders(ctx context.Context, db *sql.DB) (n int, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // on a replica
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()

	err = db.QueryRowContext(route.Replica(ctx), "SELECT count(*) FROM orders").Scan(&n) // on a replica
	return n, err
}

func addAndCount(ctx context.Context, db *sql.DB) (n int, err error) {
	ctx = route.Session(ctx)
	if _, err = db.ExecContext(ctx, "INSERT INTO orders DEFAULT VALUES"); err != nil {
		return 0, err
	}
	err = db.QueryRowContext(route.Replica(ctx), "SELECT count(*) FROM orders").Scan(&n) // sees the new order
	return n, err
}

func handOver(ctx context.Context, router *route.Router) (context.Context, error) {
	token, err := router.Token(ctx) // after the write, in the process that has written
	if err != nil {
		return nil, err
	}

	return router.WithToken(context.Background(), token) // in the other process, with its own router
}

func TestTheGuidesSnippets(t *testing.T) {
	c := sharedCluster(t)
	ctx := within(t)
	var connectors [3]driver.Connector
	for i, dsn := range []string{c.primary.DSN("postgres"), c.replicas[0].DSN("postgres"), c.replicas[1].DSN("postgres")} {
		var err error
		if connectors[i], err = pgxv5.Connector(dsn); err != nil {
			t.Fatal(err)
		}
	}
	db, router, err := openRouted(connectors)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE orders (id serial)"); err != nil {
		t.Fatal(err)
	}
	(&lab{cluster: c}).caughtUp(t)
	if err := router.Warm(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := countOrders(ctx, db); n != 0 || err != nil {
		t.Errorf("%d orders (%v)", n, err)
	}
	if n, err := addAndCount(ctx, db); n != 1 || err != nil {
		t.Errorf("%d orders (%v)", n, err)
	}
	if _, err := handOver(route.Session(ctx), router); err != nil {
		t.Error(err)
	}
	mux := http.NewServeMux()
	handler := router.Middleware("orders_read_after", mux)
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	for _, s := range router.Snapshot().Replicas {
		fmt.Println(s.Name, s.Fit, s.Reason, s.Lag, s.Lends)
	}
}
