package sqlpool_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	connector := fakedb.New().Connector() // pgxv5.Connector(dsn), libpq.Connector(dsn), any driver.Connector
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: "orders", MaxConns: 20, MinIdle: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := pool.Warm(ctx); err != nil { // MinIdle connections are open, or the first dial error
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool) // a *sql.DB from here on
	defer db.Close()           // closes the pool

	var n int
	if err := db.QueryRowContext(ctx, "SELECT 7").Scan(&n); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n, pool.Stats().State)
	// Output:
	// 7 up
}

// Every field that cannot be used is named, with what would be right.
func ExampleConfig_Validate() {
	err := sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 4, MinIdle: 5}.Validate()
	var field *sqlpool.FieldError
	if errors.As(err, &field) {
		fmt.Println(field.Field, field.Value)
		fmt.Println(field.Rule)
	}
	// Output:
	// MinIdle 5
	// it must not exceed MaxConns, which is 4
}

// An acquire that fails says where its time went, what to change, and who has the connections.
func ExampleAcquireError() {
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(), Name: "orders", MaxConns: 1, AcquireTimeout: 10 * time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback()

	_, err = db.Exec("UPDATE orders SET paid = true") // outside tx, which has the only connection
	var failed *sqlpool.AcquireError
	if errors.As(err, &failed) {
		fmt.Println(errors.Is(err, sqlpool.ErrAcquireTimeout), failed.Phase)
		fmt.Println(failed.Stats.InUse, "of", failed.Stats.MaxConns, "in use, in a transaction:", failed.Holders[0].InTransaction)
	}
	// Output:
	// true waiting for a connection
	// 1 of 1 in use, in a transaction: true
}

// Shutdown lets work finish until its context ends, and names what it had to cut off.
func ExamplePool_Shutdown() {
	pool, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector()})
	if err != nil {
		fmt.Println(err)
		return
	}
	loan, err := pool.Acquire(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	var left *sqlpool.HolderError
	if err := pool.Shutdown(ctx); errors.As(err, &left) {
		fmt.Println("connection", left.Holder.Conn, "was still lent")
	}
	fmt.Println(errors.Is(loan.Release(), sqlpool.ErrNotHeld), pool.Stats().Open, "open")
	// Output:
	// connection 1 was still lent
	// true 0 open
}

// Hooks see a connection's life. Any field may be nil.
func ExampleHooks() {
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(),
		Hooks: []sqlpool.Hooks{{
			AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "SET search_path = shop") },
			OnOpen:       func(e sqlpool.Opened) { fmt.Println("opened", e.Conn.ID()) },
			OnClose:      func(e sqlpool.Closed) { fmt.Println("closed", e.Conn.ID(), sqlpool.ReasonCode(e.Reason)) },
		}},
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
	// opened 1
	// closed 1 shutdown
}
