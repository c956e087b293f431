package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/sqlpool/route"
)

// readers are a crowd that knows which server has answered.
type readers struct {
	crowd
	on                []atomic.Int64 // the primary, and each replica
	inSessions, stale atomic.Int64
}

// readsPerWrite leaves a session that writes about half a second between two writes, in which a replica comes to have the first.
const readsPerWrite = 20

// sendReaders has half of the callers read in a session of their own, in which they write now and then; the others only read.
func (t *demoTrial) sendReaders(ctx context.Context, db *sql.DB) *readers {
	ctx, cancel := context.WithCancel(ctx)
	c := &readers{on: make([]atomic.Int64, 1+len(t.replicas))}
	ports := map[int]int{}
	for i, replica := range t.replicas {
		ports[replica.TCP().Port] = 1 + i
	}
	in := func(statement string) string {
		return strings.ReplaceAll(statement, "demo.", fmt.Sprintf("%q.", t.name))
	}
	write, query := in("UPDATE demo.notes SET n = $1 WHERE id = $2"), in("SELECT n, inet_server_port() FROM demo.notes WHERE id = $1")
	read := func(ctx context.Context, id int) (n int64, ok bool) {
		var port int
		err := db.QueryRowContext(route.Replica(ctx), query, id).Scan(&n, &port)
		c.note(ctx, err)
		if err == nil {
			c.on[ports[port]].Add(1)
		}
		return n, err == nil
	}
	var all sync.WaitGroup
	for id := range t.Goroutines {
		all.Go(func() {
			if id%2 == 0 {
				for ctx.Err() == nil {
					read(ctx, 1+id)
					think(ctx)
				}
				return
			}
			session, written := route.Session(ctx), int64(0)
			for n := int64(0); ctx.Err() == nil; n++ {
				if n%readsPerWrite == 0 {
					_, err := db.ExecContext(session, write, n, 1+id)
					c.note(ctx, err)
					if err == nil {
						written = n
					}
				}
				if seen, ok := read(session, 1+id); ok {
					c.inSessions.Add(1)
					if seen < written {
						c.stale.Add(1)
					}
				}
				think(ctx)
			}
		})
	}
	c.leave = sync.OnceFunc(func() { cancel(); all.Wait() })
	return c
}
