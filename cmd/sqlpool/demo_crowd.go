package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// crowd reads balances all the time.
type crowd struct {
	answered, lost, refused, errors atomic.Int64
	first                           atomic.Pointer[string]
	leave                           func() // and wait until all have left; a second call does nothing
}

func (c *crowd) firstError() string {
	if first := c.first.Load(); first != nil {
		return *first
	}
	return "none"
}

// note sorts the outcome of a statement.
func (c *crowd) note(ctx context.Context, err error) {
	switch {
	case err == nil:
		c.answered.Add(1)
	case ctx.Err() != nil: // on the way home
	case errors.Is(err, sqlpool.ErrConnLost), brokeWhileRead(err):
		c.lost.Add(1)
	case errors.Is(err, sqlpool.ErrUnavailable):
		c.refused.Add(1)
	default:
		text := err.Error()
		c.first.CompareAndSwap(nil, &text)
		c.errors.Add(1)
	}
}

// brokeWhileRead reports whether err is a driver's own for a connection that broke while rows were read. Rows are the
// driver's, so their errors are too, as with the driver alone.
func brokeWhileRead(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// think is what a caller does between two statements, so that the pool is busy and not the machine. It ends with ctx.
func think(ctx context.Context) {
	_ = sleep(ctx, time.Duration(mathrand.ExpFloat64()*float64(15*time.Millisecond)))
}

// gather has that many callers read balances until they are sent home.
func gather(ctx context.Context, db *sql.DB, schema string, callers int) *crowd {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{}
	query := fmt.Sprintf(`SELECT balance, pg_sleep($2) FROM %q.accounts WHERE id = $1`, schema)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				var balance int64
				var slept string
				err := db.QueryRowContext(ctx, query, mathrand.IntN(accounts)+1, 0.002).Scan(&balance, &slept)
				c.note(ctx, err)
				think(ctx)
			}
		})
	}
	c.leave = sync.OnceFunc(func() { cancel(); all.Wait() })
	return c
}
