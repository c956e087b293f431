package recycle_test

import (
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
		MaxConns:  20,
		MinIdle:   2,
		Hooks: []sqlpool.Hooks{
			recycle.MaxLifetime(time.Hour),   // between 45 and 60 minutes
			recycle.MaxIdleTime(time.Minute), // as long as more than MinIdle are idle
			recycle.MaxUses(50_000),
			{OnClose: func(e sqlpool.Closed) { fmt.Println(sqlpool.ReasonCode(e.Reason)) }},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
}
