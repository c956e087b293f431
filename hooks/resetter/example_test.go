package resetter_test

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		MaxConns:  1,
		Hooks:     []sqlpool.Hooks{resetter.Custom("RESET ALL")}, // on PostgreSQL resetter.Clean() resets all there is
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()

	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "SET role=guest"); err != nil {
		fmt.Println(err)
	}
	var role string
	if err := db.QueryRowContext(ctx, "SHOW role").Scan(&role); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("the next borrower's role is %q\n", role)
	// Output:
	// the next borrower's role is ""
}
