package libpq

import (
	"context"
	"sync"
	"time"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// stmtCloseLimit is how long Stmt.Close, which has no context, may wait for the
// server. The pool cuts it short when its caller's context ends.
const stmtCloseLimit = 2 * time.Second

// A guard ends calls whose context has ended. lib/pq sends a cancel request then
// and reads on: a server that is stopped or cut off never answers.
//
// lib/pq itself tells when: it watches the contexts of a call, of the rows that
// the call returned, and of the transaction, and when one ends it dials for its
// cancel request, through the adapter's dialer. So no call that finished in time
// costs anything. From the dial on the server has one grace to answer.
//
// Whatever is set in motion against a call carries the call's number, taken when
// it was set up: on a busy machine a function of context.AfterFunc or a timer runs
// late, when the connection may be in the middle of another caller's call.
type guard struct {
	conn *wire.Conn

	// mu protects the fields below: the dial comes from another goroutine. The
	// connection is expired with mu held, so that a call that has ended cannot
	// expire the next one.
	mu    sync.Mutex
	calls uint64 // how many there were
	guarded
	tx context.Context // the transaction's
}

// guarded is a call, with its rows, under the guard.
type guarded struct {
	number uint64
	ctx    context.Context
	waits  bool // lib/pq waits for the cancel request to end, in the call
}

// begin precedes a call. An earlier one, whose rows are open, may have been expired,
// and stays so.
func (g *guard) begin(ctx context.Context, waits, rowsOpen bool) guarded {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	g.guarded = guarded{g.calls, ctx, waits}
	if !rowsOpen {
		g.conn.Revive()
	}
	return g.guarded
}

// resume follows a call that was refused because rows of the call before it are open.
func (g *guard) resume(before guarded) {
	g.mu.Lock()
	g.guarded = before
	g.mu.Unlock()
}

// inTx follows a BEGIN.
func (g *guard) inTx(ctx context.Context) {
	g.mu.Lock()
	g.tx = ctx
	g.mu.Unlock()
}

// rest says that no call is on, nor its rows open, nor a transaction.
func (g *guard) rest() {
	g.mu.Lock()
	g.tx = nil
	g.overLocked()
	g.mu.Unlock()
}

// over says that no call is on, nor its rows open.
func (g *guard) over() {
	g.mu.Lock()
	g.overLocked()
	g.mu.Unlock()
}

func (g *guard) overLocked() {
	g.calls++
	g.guarded = guarded{number: g.calls}
	g.conn.Revive()
}

// watch covers a call that lib/pq does not watch, until stop.
func (g *guard) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	g.mu.Lock()
	call := g.number
	g.mu.Unlock()
	unwatch := context.AfterFunc(ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.number == call {
			g.expireSoonLocked(g.conn)
		}
	})
	return func() {
		if !unwatch() {
			g.over()
		}
	}
}

// cancelling is called when lib/pq sends a cancel request, and says how long
// that may take. After a statement's own cancel request lib/pq waits for its end
// before it returns, so that one has no more than the grace; the others, for
// which no caller waits, may take the time that a distant server needs.
func (g *guard) cancelling(conn *wire.Conn) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expireSoonLocked(conn)
	if g.waits {
		return conn.Grace()
	}
	return wire.CancelLimit
}

// expireSoonLocked ends the call that is on, unless it is over when the grace is.
func (g *guard) expireSoonLocked(conn *wire.Conn) {
	call, reason := g.number, wire.Interruption(g.endedLocked())
	time.AfterFunc(conn.Grace(), func() { g.expire(conn, call, reason) })
}

func (g *guard) expire(conn *wire.Conn, call uint64, reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.number == call {
		conn.Expire(reason)
	}
}

// limit bounds a call that has no context.
func (g *guard) limit(d time.Duration) (stop func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	call := g.number
	return time.AfterFunc(d, func() {
		g.expire(g.conn, call, &wire.Interrupted{Err: context.DeadlineExceeded})
	}).Stop
}

// ended returns the context that ended the call.
func (g *guard) ended() context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.endedLocked()
}

func (g *guard) endedLocked() context.Context {
	for _, ctx := range []context.Context{g.ctx, g.tx} {
		if ctx != nil && ctx.Err() != nil {
			return ctx
		}
	}
	return canceled
}

// canceled stands for the context of a call that lib/pq cancels for a reason
// which the guard does not know.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
