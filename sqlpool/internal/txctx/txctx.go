// Package txctx has the contexts of a transaction that a pool begins for database/sql,
// and of its statements.
package txctx

import (
	"context"
	"time"
)

// Bind returns a context with the values of ctx that also ends when tx does, the
// context of its transaction. unbind, if it is not nil, must be called when what runs
// under it is over.
func Bind(ctx, tx context.Context) (bound context.Context, unbind func()) {
	switch {
	case tx.Done() == nil, ctx.Done() == tx.Done():
		return ctx, nil
	case ctx.Done() == nil:
		return ending{ctx, tx}, nil
	}
	timed, cancelTimer := ctx, context.CancelFunc(func() {})
	if deadline, ok := tx.Deadline(); ok {
		timed, cancelTimer = context.WithDeadline(ctx, deadline)
	}
	both, cancel := context.WithCancelCause(timed)
	stop := context.AfterFunc(tx, func() {
		if tx.Err() != context.DeadlineExceeded { // timed ends by itself, with that error and not as cancelled
			cancel(context.Cause(tx))
		}
	})
	return both, func() {
		stop()
		cancel(nil) // else a caller's long-lived context would remember every statement
		cancelTimer()
	}
}

// Detached ends when its Context does, which the end of the caller's context need not
// do, but with the error of the caller's if that has ended: a driver tells a deadline
// from a cancellation by it.
type Detached struct {
	context.Context
	Caller context.Context
}

// Err implements context.Context.
func (c *Detached) Err() error {
	err := c.Context.Err()
	if err != nil {
		if end := c.Caller.Err(); end != nil {
			return end
		}
	}
	return err
}

// ending has the values of one context and the end of another.
type ending struct {
	context.Context
	ends context.Context
}

// Deadline implements context.Context.
func (c ending) Deadline() (time.Time, bool) { return c.ends.Deadline() }

// Done implements context.Context.
func (c ending) Done() <-chan struct{} { return c.ends.Done() }

// Err implements context.Context.
func (c ending) Err() error { return c.ends.Err() }
