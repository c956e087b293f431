package leak_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	found := make(chan leak.Report, 1)
	leaks := leak.New(leak.Config{
		After:  10 * time.Millisecond, // 30 s by default
		Report: func(r leak.Report) { found <- r },
	})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector:     fakedb.New().Connector(), // pgxv5.Connector(dsn), libpq.Connector(dsn), …
		SweepInterval: 10 * time.Millisecond,
		Hooks:         []sqlpool.Hooks{leaks.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()

	rows, err := db.QueryContext(context.Background(), "SELECT 7")
	if err != nil {
		fmt.Println(err)
		return
	}
	// rows are never closed.
	r := <-found
	fmt.Printf("connection %d, last statement %q\n", r.Conn, r.LastStatement)
	fmt.Println("acquired by", r.Stack[0].Function)
	if err := rows.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("returned:", (<-found).Returned)
	// Output:
	// connection 1, last statement "SELECT 7"
	// acquired by github.com/sqlpool/go/hooks/leak_test.Example
	// returned: true
}
