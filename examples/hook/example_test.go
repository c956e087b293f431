package hook_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func Example() {
	server := fakedb.New() // a scripted server: its second DISCARD fails
	server.On(fakedb.Exec, fakedb.Fault{Text: "DISCARD", Skip: 1, Times: 1, Err: errors.New("disk full")})

	tidy := NewTidy("16MB", 2)
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: server.Connector(),
		MaxConns:  1,
		Hooks: []sqlpool.Hooks{
			tidy.Hooks(),
			{OnClose: func(e sqlpool.Closed) {
				fmt.Printf("connection %d closed: %s\n", e.Conn.ID(), sqlpool.ReasonCode(e.Reason))
			}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 5 {
		loan, err := pool.Acquire(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := loan.Release(); err != nil {
			fmt.Println(err)
		}
	}
	if err := pool.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(tidy.Runs(), "run")
	// Unordered output:
	// connection 1 closed: tidy_failed
	// connection 2 closed: shutdown
	// 1 run
}
