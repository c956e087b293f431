package prommetric_test

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sqlpool/go/hooks/prommetric"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	metrics := prommetric.New(prommetric.Options{})
	registry := prometheus.NewRegistry() // http.Handle("/metrics", promhttp.HandlerFor(registry, …))
	registry.MustRegister(metrics, metrics.DBStats())

	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		Name:      "orders",
		MaxConns:  20,
		Hooks:     []sqlpool.Hooks{metrics.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	loan, err := pool.Acquire(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loan.Release()

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, family := range families {
		switch family.GetName() {
		case "sqlpool_connections", "go_sql_open_connections", "go_sql_max_open_connections":
			for _, m := range family.GetMetric() {
				fmt.Print(family.GetName())
				for _, l := range m.GetLabel() {
					fmt.Printf(" %s=%s", l.GetName(), l.GetValue())
				}
				fmt.Println(" ", m.GetGauge().GetValue())
			}
		}
	}
	// Output:
	// go_sql_max_open_connections db_name=orders  20
	// go_sql_open_connections db_name=orders  1
	// sqlpool_connections pool=orders state=closing  0
	// sqlpool_connections pool=orders state=dialing  0
	// sqlpool_connections pool=orders state=idle  0
	// sqlpool_connections pool=orders state=in_use  1
}
