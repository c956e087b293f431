package sqlpool

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrNoneIdle: the caller would not wait, and no connection was idle.
var ErrNoneIdle = errors.New("sqlpool: no connection is idle")

// waitless is set once NoWait has been used: other programs need not look for it
// in each context.
var waitless atomic.Bool

type noWaitKey struct{}

// NoWait returns a context under which an acquire takes an idle connection or
// fails at once with ErrNoneIdle: for work that had better be left undone than
// late, through a *sql.DB. A connection that has been idle for long may still be
// pinged first, which the context's deadline bounds. One that the pool looks after at
// that instant, as it does with each idle one once in Config.SweepInterval, is not idle.
func NoWait(ctx context.Context) context.Context {
	waitless.Store(true)
	return context.WithValue(ctx, noWaitKey{}, true)
}

// TryAcquire is Acquire that does not wait: see NoWait.
func (p *Pool) TryAcquire(ctx context.Context) (Loan, error) {
	return p.Acquire(NoWait(ctx))
}

// mayWait reports whether an acquire under ctx may wait for a connection.
func mayWait(ctx context.Context) bool {
	return !waitless.Load() || ctx.Value(noWaitKey{}) == nil
}
