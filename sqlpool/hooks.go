package sqlpool

import (
	"context"
	"fmt"
	"time"
)

// Hooks are a policy's ways into a connection's life, from the dial (top) to
// the close (bottom). Any field may be nil. A policy with state is a type with
// a method that returns its Hooks.
//
// Before, After and While decide: a non-nil error retires the connection and
// becomes its Reason. An idle connection so refused is replaced; a new one so
// refused is the error of the acquire. On watches: it runs on the hot path,
// must not block and cannot change the outcome.
//
// Hooks are called from many goroutines at once, never under the pool's lock:
// they may ask the pool, but one that waits for it (Shutdown, Acquire) waits for
// itself. OnState alone is told in order, one call at a time.
//
// A hook that panics retires the connection: the panic becomes a *HookPanic,
// which is the Reason and, on the way to a caller, that caller's error.
type Hooks struct {
	// OnStart is given the pool by New, before the first dial. A policy that
	// reads the pool's Stats or Holders keeps it from here. A panic is New's.
	OnStart func(p *Pool)

	// AfterConnect runs on each new connection, under ConnectTimeout. It may use
	// the network. It runs again when Conn.SetUp asks for it, as resetter.Clean does
	// after each loan: what it does must bear that. An error that wraps
	// ErrUnavailable says that there is no place for the connection yet: acquires
	// wait for FailFastAfter, also before the pool has had a connection.
	AfterConnect func(ctx context.Context, c *Conn) error

	// BeforeAcquire runs in the caller's goroutine before each loan, under the
	// acquire's deadline; where database/sql opens a session, which it may do for
	// another caller, in a goroutine of its own. It may use the network; every caller
	// waits for it. A *CallerRefused refuses the caller and keeps the connection.
	BeforeAcquire func(ctx context.Context, c *Conn) error

	// AfterRelease runs in the caller's goroutine when a loan ends. Work that needs
	// the network goes to Releasing.Defer.
	AfterRelease func(r Releasing) error

	// WhileIdle runs on each idle connection at each sweep, one after the other.
	// It may use the network, but to ping it had better call IdleConn.KeepAlive,
	// which does that side by side; the connection is not lent meanwhile.
	WhileIdle func(ctx context.Context, c IdleConn) error

	// OnOpen sees every dial, failed ones too.
	OnOpen func(Opened)

	// OnAcquire sees every loan begin, in the caller's goroutine: a stack taken
	// here names the borrower.
	OnAcquire func(Acquired)

	// OnStatement sees every operation of database/sql begin: statements, prepares,
	// the ends of transactions, pings. It is given the caller's context, may change
	// the text (see Executing), and returns the function that is called at the end,
	// or nil. Both are called in the caller's goroutine. What a program does with the
	// driver's own connection (sql.Conn.Raw, Loan) is not seen, nor what the pool and
	// its hooks execute. A panic at the beginning is the caller's error: the
	// operation is not run, and its connection stays. One at the end changes nothing
	// for the caller.
	OnStatement func(ctx context.Context, e *Executing) func(Executed)

	// OnRelease sees every loan end.
	OnRelease func(Released)

	// OnClose sees every connection go, with the Reason for which it was
	// retired.
	OnClose func(Closed)

	// OnSweep is called after each sweep, whether or not anything was idle: the
	// pool's own clock for policies that look at the whole of it.
	OnSweep func(p *Pool)

	// OnShutdown is called once, when Shutdown is called and before it begins: the
	// pool still lends. Shutdown waits for it, so it must end with ctx, which is
	// Shutdown's.
	OnShutdown func(ctx context.Context, p *Pool)

	// OnState sees the pool lose and regain its database (see State).
	OnState func(StateChanged)
}

// Opened is the end of a dial.
type Opened struct {
	Conn *ConnRef      // nil when the dial failed
	Took time.Duration // from the first packet to the last AfterConnect hook
	Err  error         // why it failed, or nil
}

// Acquired is the beginning of a loan.
type Acquired struct {
	Conn   *ConnRef
	Waited time.Duration // zero when a connection was idle
}

// SetOrigin names who tells where the loan was acquired. The pool asks it, from any
// goroutine, when it reports holders. It is forgotten with the loan.
func (a Acquired) SetOrigin(origin fmt.Stringer) { a.Conn.setOrigin(origin) }

// Releasing is the end of a loan while the AfterRelease hooks decide about its
// connection.
type Releasing struct {
	Conn *ConnRef // as it comes back

	conn *Conn
}

// Defer has f run in the background after this loan and before the next one, under
// RollbackTimeout. An error retires the connection.
func (r Releasing) Defer(f func(context.Context, *Conn) error) {
	r.conn.deferred = append(r.conn.deferred, f)
}

// IdleConn is a connection at a sweep.
type IdleConn struct{ *Conn }

// KeepAlive has the pool ping the connection after the WhileIdle hooks have
// returned and before it is lent again, side by side with the pings of other
// connections and for PingTimeout at most. One that does not answer is retired,
// and the other idle ones are pinged too.
func (c IdleConn) KeepAlive() { c.askAlive = true }

// Released is the end of a loan.
type Released struct {
	Conn   *ConnRef
	Held   time.Duration
	Reason error // why the connection is retired now, or nil when it stays
}

// Closed is the end of a connection.
type Closed struct {
	Conn   *ConnRef
	Reason error         // never nil; ReasonCode gives its short name
	Age    time.Duration // from the end of the dial to the decision to close
	Took   time.Duration // how long the close held the slot
}

// StateChanged is a change between the states of a pool.
type StateChanged struct {
	From, To State
	Err      error // the dial error behind it; nil on the way to StateUp
}

// compiled holds each moment's functions in order, so that a moment without
// hooks costs one length check.
type compiled struct {
	afterConnect  []func(context.Context, *Conn) error
	beforeAcquire []func(context.Context, *Conn) error
	afterRelease  []func(Releasing) error
	whileIdle     []func(context.Context, IdleConn) error
	onOpen        []func(Opened)
	onAcquire     []func(Acquired)
	onStatement   []func(context.Context, *Executing) func(Executed)
	onRelease     []func(Released)
	onClose       []func(Closed)
	onState       []func(StateChanged)
	onStart       []func(*Pool)
	onSweep       []func(*Pool)
	onShutdown    []func(context.Context, *Pool)
}

func compile(all []Hooks) compiled {
	var c compiled
	for _, h := range all {
		add(&c.afterConnect, h.AfterConnect, h.AfterConnect != nil)
		add(&c.beforeAcquire, h.BeforeAcquire, h.BeforeAcquire != nil)
		add(&c.afterRelease, h.AfterRelease, h.AfterRelease != nil)
		add(&c.whileIdle, h.WhileIdle, h.WhileIdle != nil)
		add(&c.onOpen, h.OnOpen, h.OnOpen != nil)
		add(&c.onAcquire, h.OnAcquire, h.OnAcquire != nil)
		add(&c.onStatement, h.OnStatement, h.OnStatement != nil)
		add(&c.onRelease, h.OnRelease, h.OnRelease != nil)
		add(&c.onClose, h.OnClose, h.OnClose != nil)
		add(&c.onState, h.OnState, h.OnState != nil)
		add(&c.onStart, h.OnStart, h.OnStart != nil)
		add(&c.onSweep, h.OnSweep, h.OnSweep != nil)
		add(&c.onShutdown, h.OnShutdown, h.OnShutdown != nil)
	}
	return c
}

func add[F any](list *[]F, f F, set bool) {
	if set {
		*list = append(*list, f)
	}
}
