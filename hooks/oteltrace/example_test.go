package oteltrace_test

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/hooks/oteltrace"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func Example() {
	spans := tracetest.NewSpanRecorder() // a program has a batcher and an exporter here
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		Name:      "orders",
		Hooks:     []sqlpool.Hooks{oteltrace.Hooks(provider)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	if err := pool.Warm(context.Background()); err != nil { // else the first statement tells of its wait for the dial
		fmt.Println(err)
	}

	ctx, request := provider.Tracer("shop").Start(context.Background(), "GET /orders")
	if _, err := db.ExecContext(ctx, "INSERT $1", "an order"); err != nil {
		fmt.Println(err)
	}
	request.End()

	for _, span := range spans.Ended() {
		fmt.Println(span.Name())
		for _, a := range span.Attributes() {
			fmt.Printf("  %s=%s\n", a.Key, a.Value.Emit())
		}
	}
	// Output:
	// INSERT
	//   db.system.name=postgresql
	//   db.operation.name=INSERT
	//   db.query.text=INSERT $1
	//   db.client.connection.pool.name=orders
	//   sqlpool.connection.id=1
	// GET /orders
}
