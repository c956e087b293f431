package slogger_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	timeless := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: timeless}))
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		Name:      "orders",
		Hooks:     []sqlpool.Hooks{slogger.Hooks(logger)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pool.Warm(context.Background()); err != nil {
		fmt.Println(err)
	}
	if err := pool.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=INFO msg="pool state changed" pool=orders from=starting to=up
	// level=INFO msg="pool state changed" pool=orders from=up to=closed
}
