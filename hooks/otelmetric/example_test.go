package otelmetric_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sqlpool/go/hooks/otelmetric"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

func Example() {
	reader := sdk.NewManualReader() // a program has a PeriodicReader and an exporter here
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	metrics, err := otelmetric.New(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		Name:      "orders",
		MaxConns:  1,
		Hooks:     []sqlpool.Hooks{metrics.Hooks(semconv.DBSystemNamePostgreSQL)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx := context.Background()
	if err := pool.Warm(ctx); err != nil {
		fmt.Println(err)
		return
	}

	loan, err := pool.Acquire(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loan.Release()
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err = pool.Acquire(short) // in vain: the only connection is out
	fmt.Println(err != nil)

	var got metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &got); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range got.ScopeMetrics[0].Metrics {
		if m.Name == "db.client.connection.timeouts" {
			point := m.Data.(metricdata.Sum[int64]).DataPoints[0]
			fmt.Println(m.Name, point.Value)
			for _, a := range point.Attributes.ToSlice() {
				fmt.Printf("  %s=%s\n", a.Key, a.Value.AsString())
			}
		}
	}
	// Output:
	// true
	// db.client.connection.timeouts 1
	//   db.client.connection.pool.name=orders
	//   db.system.name=postgresql
}
