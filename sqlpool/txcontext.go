package sqlpool

import (
	"context"
	"time"
)

// bind returns the context for a statement of the transaction. Where the
// driver would have ended the statement with the transaction's context, and no
// longer sees that context end, the statement's own one ends with it. unbind, if
// there is one, is called when the statement is over and its rows are closed.
func (t *tx) bind(ctx context.Context) (bound context.Context, unbind func()) {
	if t == nil || !t.conn.can.txEndsStatements || t.caller.Done() == nil || ctx.Done() == t.caller.Done() {
		return ctx, nil
	}
	if ctx.Done() == nil {
		return boundContext{ctx, t.caller}, nil
	}
	timed, cancelTimer := ctx, context.CancelFunc(func() {})
	if deadline, ok := t.caller.Deadline(); ok {
		timed, cancelTimer = context.WithDeadline(ctx, deadline)
	}
	both, cancel := context.WithCancelCause(timed)
	stop := context.AfterFunc(t.caller, func() {
		if t.caller.Err() != context.DeadlineExceeded { // timed ends by itself, with that error and not as cancelled
			cancel(context.Cause(t.caller))
		}
	})
	return both, func() {
		stop()
		cancel(nil) // else a caller's long-lived context would remember every statement
		cancelTimer()
	}
}

// detachedContext ends when the pool says so, for the reason of the caller's
// context if that has ended: a driver tells a deadline from a cancellation by it.
type detachedContext struct {
	context.Context
	caller context.Context
}

// Err implements context.Context.
func (c *detachedContext) Err() error {
	err := c.Context.Err()
	if err != nil {
		if end := c.caller.Err(); end != nil {
			return end
		}
	}
	return err
}

// boundContext has the values of one context and the end of another.
type boundContext struct {
	context.Context
	ends context.Context
}

// Deadline implements context.Context.
func (c boundContext) Deadline() (time.Time, bool) { return c.ends.Deadline() }

// Done implements context.Context.
func (c boundContext) Done() <-chan struct{} { return c.ends.Done() }

// Err implements context.Context.
func (c boundContext) Err() error { return c.ends.Err() }
