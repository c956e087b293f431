package drivers_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/sqlpool"
)

// An existing program changes one word, and keeps the rest.
func Example() {
	db, err := sql.Open("sqlpool-pq", "postgres://app@db.example/orders?pool_max_conns=20&pool_acquire_timeout=5s")
	if err != nil {
		log.Fatal(err) // a setting or the connection string is wrong
	}
	defer db.Close() // closes the pool

	rows, err := db.Query("SELECT id FROM orders WHERE placed > $1", time.Now().Add(-time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
}

// A program that wants to know at its start whether the database is there.
func ExampleOpen() {
	h, err := drivers.Open(drivers.PGX, "host=db.example user=app dbname=orders pool_name=orders",
		drivers.Setting("pool_min_idle", 4),             // numbers of the program's own configuration
		drivers.PGXOptions(pgxv5.BeforeConnect(newest)), // a password that expires
	)
	if err != nil {
		log.Fatal(err)
	}
	defer h.DB.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Pool.Warm(ctx); err != nil {
		log.Fatal(err)
	}
}

// newest asks a vault, or a cloud's token service.
func newest(_ context.Context, cfg *pgx.ConnConfig) error {
	cfg.Password = os.Getenv("TOKEN")
	return nil
}

// The standard assembly with a hook of one's own.
func ExampleConfig() {
	cfg, err := drivers.Config(drivers.PGX, "postgres://app@db.example/orders?pool_max_conns=20")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hooks = append(cfg.Hooks, sqlpool.Hooks{
		OnClose: func(e sqlpool.Closed) { log.Print(e.Conn, " closed: ", e.Reason) },
	})
	pool, err := sqlpool.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
}

// Settings alone send reads to replicas.
func ExampleRouterOf() {
	db, err := sql.Open(drivers.PGX, "postgres://app@127.0.0.1:1/orders?pool_name=orders&pool_replicas=127.0.0.2,127.0.0.3:5433")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if router, ok := drivers.RouterOf(db); ok {
		for _, server := range router.Snapshot().Replicas {
			fmt.Println(server.Name, server.Fit)
		}
	}
	// Output:
	// orders/replica/127.0.0.2:1 false
	// orders/replica/127.0.0.3:5433 false
}

// The live pages of all servers: each pool has its own.
func ExampleAddHooksOf() {
	db, err := sql.Open(drivers.PGX, "postgres://app@127.0.0.1:1/orders?pool_name=orders&pool_replicas=127.0.0.2")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	var pages []*debugui.UI
	err = drivers.AddHooksOf(db, func(h *drivers.Handle) []sqlpool.Hooks { // before the first use
		page := debugui.New(debugui.Config{Leaks: h.Leaks, Health: h.Health, Settings: h.Settings})
		pages = append(pages, page)
		return []sqlpool.Hooks{page.Hooks()}
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/debug/sqlpool/", debugui.Index(pages...))
	fmt.Println(len(pages))
	// Output: 2
}

func ExamplePoolOf() {
	db, err := sql.Open(drivers.PGX, "postgres://app@127.0.0.1:1/orders?pool_name=orders&pool_max_conns=20")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if pool, ok := drivers.PoolOf(db); ok {
		s := pool.Stats()
		fmt.Println(s.Name, s.MaxConns, s.InUse)
	}
	// Output: orders 20 0
}

// What is wrong with the settings is said at once, in sql.Open.
func ExampleSettingError() {
	_, err := drivers.Config(drivers.PGX, "postgres://app@db.example/orders?pool_max_con=20")
	fmt.Println(err)
	// Output: drivers: pool_max_con is "20" in the connection string: no setting has this name; did you mean pool_max_conns? docs/settings.md lists all settings
}
