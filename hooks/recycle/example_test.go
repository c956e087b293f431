package recycle_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	connector := fakedb.New().Connector() // pgxv5.Connector(dsn), libpq.Connector(dsn), …
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector,
		MaxConns:  1,
		Hooks: []sqlpool.Hooks{
			recycle.MaxLifetime(time.Hour),   // between 45 and 60 minutes
			recycle.MaxIdleTime(time.Minute), // as long as more than MinIdle are idle
			recycle.MaxUses(2),               // 50_000 is more like it
			{OnClose: func(e sqlpool.Closed) {
				fmt.Printf("connection %d closed: %s\n", e.Conn.ID(), sqlpool.ReasonCode(e.Reason))
			}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	for range 3 {
		if _, err := db.Exec("DELETE FROM orders WHERE paid"); err != nil {
			fmt.Println(err)
		}
	}
	if err := db.Close(); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// connection 1 closed: max_uses
	// connection 2 closed: shutdown
}

// After a failover some connections may lead to a server that only reads.
func ExampleWhen() {
	readOnly := func(err error) bool {
		var state interface{ SQLState() string } // both drivers' errors have it
		return errors.As(err, &state) && state.SQLState() == "25006"
	}
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: fakedb.New().Connector(),
		Hooks: []sqlpool.Hooks{
			recycle.When(readOnly),
			{OnClose: func(e sqlpool.Closed) { fmt.Println("closed:", sqlpool.ReasonCode(e.Reason)) }},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	_, err = db.Exec("FAIL 25006") // the scripted server's word for an UPDATE that it may not execute
	fmt.Println(err)
	if err := db.Close(); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// fakedb: as asked (SQLSTATE 25006)
	// closed: error
}
