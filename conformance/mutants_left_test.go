package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// leftMutants leave something behind: a statement, a transaction, a watcher, a slot.
var leftMutants = []mutant{
	{"SQL-32", "what a closed statement has prepared answers for its text", below(func(c driver.Conn) driver.Conn {
		return &hoardingConn{fullConn: c.(fullConn), kept: map[string]driver.Stmt{}}
	})},
	{"SQL-33", "a statement that is refused while rows are open ends the transaction", above(func(c *conn) driver.Conn { return &touchyConn{conn: c} })},
	{"SQL-33", "a statement that is refused while rows are open ends the rows", above(func(c *conn) driver.Conn { return &touchyConn{conn: c, rows: true} })},
	{"SQL-34", "a success after the cancel request is told as one", above(func(c *conn) driver.Conn { return obedientConn{c} })},
	{"DIAL-12", "a dial is repeated until its connection answers a ping, thirty times", dialing(17, func() func(context.Context, connectCall) (driver.Conn, error) {
		return func(ctx context.Context, connect connectCall) (c driver.Conn, err error) {
			for range 30 {
				if c, err = connect(ctx); err != nil {
					return nil, err
				}
				if err = c.(driver.Pinger).Ping(ctx); err == nil {
					return c, nil
				}
				_ = c.Close()
			}
			return nil, err
		}
	})},
	{"HOOK-12", "the slot of a hook that ends its goroutine is lost", losingSlots},
	{"HOOK-13", "every refusal of a hook is about the connection", hooked(func(h *sqlpool.Hooks) {
		if ask := h.BeforeAcquire; ask != nil {
			h.BeforeAcquire = func(ctx context.Context, c *sqlpool.Conn) error {
				err := ask(ctx, c)
				var caller *sqlpool.CallerRefused
				if errors.As(err, &caller) {
					return caller.Err
				}
				return err
			}
		}
	})},
	{"RST-10", "no one looks at a connection after a hook", below(func(c driver.Conn) driver.Conn { return &blindConn{fullConn: c.(fullConn)} })},
	{"RST-11", "the context of a transaction is watched for ever", above(func(c *conn) driver.Conn { return &watchingConn{conn: c} })},
	{"INV-11", "a connection is closed with its statements open", configured(func(cfg *sqlpool.Config) {
		if cfg.MaxConns == 9 {
			cfg.Connector = wrapped{cfg.Connector, func(c driver.Conn) driver.Conn { return danglingConn{c.(fullConn)} }}
		}
	})},
	{"INV-12", "a transaction remembers its statements", above(func(c *conn) driver.Conn { return &rememberingConn{conn: c} })},
	{"OUT-12", "57P05 ends a connection, also when a function raises it", classing("57P05", sqlpool.ClassFatal)},
	{"OBS-12", "writes that are refused are not counted", lying(func(s *sqlpool.Stats) { s.ReadOnlyCount = 0 })},
}

// hoardingConn keeps what is prepared and executes it for texts, too.
type hoardingConn struct {
	fullConn
	kept map[string]driver.Stmt
}

func (c *hoardingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if text != "SELECT 1"+ownText { // others count what is closed
		return s, nil
	}
	return keptStmt{s.(stmt), func() { c.kept[text] = s }}, nil
}

func (c *hoardingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if s, ok := c.kept[text]; ok {
		return s.(driver.StmtQueryContext).QueryContext(ctx, args)
	}
	return c.fullConn.QueryContext(ctx, text, args)
}

type keptStmt struct {
	stmt
	keep func()
}

func (s keptStmt) Close() error {
	s.keep()
	return nil
}

// touchyConn takes an error while rows are open for the end of everything.
type touchyConn struct {
	*conn
	rows   bool // of the rows; else of the transaction
	open   int
	failed bool
}

func (c *touchyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.failed = false
	t, err := c.conn.BeginTx(ctx, opts)
	return touchyTx{t, c}, err
}

func (c *touchyConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, text, args)
	c.failed = c.failed || c.open > 0 && errors.Is(err, errRowsOpen)
	return result, err
}

func (c *touchyConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, text, args)
	if err != nil {
		c.failed = c.failed || c.open > 0 && errors.Is(err, errRowsOpen)
		return nil, err
	}
	c.open++
	return touchyRows{rows.(fakeRows), c}, nil
}

type touchyRows struct {
	fakeRows
	c *touchyConn
}

func (r touchyRows) Next(dest []driver.Value) error {
	if r.c.rows && r.c.failed {
		return driver.ErrBadConn
	}
	return r.fakeRows.Next(dest)
}

func (r touchyRows) Close() error {
	r.c.open--
	return r.fakeRows.Close()
}

type touchyTx struct {
	tx
	c *touchyConn
}

func (t touchyTx) Commit() error {
	if t.c.failed && !t.c.rows {
		_ = t.Rollback()
		return driver.ErrBadConn
	}
	return t.tx.Commit()
}

// obedientConn tells the success of one that was cancelled, and took its time.
type obedientConn struct{ *conn }

func (c obedientConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, text, args)
	if err != nil && ctx.Err() != nil && text == "SLEEP 21s" {
		return driver.RowsAffected(0), nil
	}
	return result, err
}

// losingSlots takes a loan for ever when OnRelease ends its goroutine.
func losingSlots(_ *fakedb.DB, t *Target) {
	t.Open = func(s Settings) (*Subject, error) {
		var pool atomic.Pointer[sqlpool.Pool]
		s.Hooks = slices.Clone(s.Hooks)
		for i, h := range s.Hooks {
			if tell := h.OnRelease; tell != nil {
				s.Hooks[i].OnRelease = func(e sqlpool.Released) {
					done := false
					defer func() {
						if done {
							return
						}
						if v := recover(); v != nil {
							panic(v)
						}
						go func() { _, _ = pool.Load().Acquire(context.Background()) }()
					}()
					tell(e)
					done = true
				}
			}
		}
		s.Hooks = append(s.Hooks, sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) { pool.Store(p) }})
		return OpenPool(s)
	}
}

// blindConn does not tell of a transaction that a hook has begun.
type blindConn struct {
	fullConn
	blind atomic.Bool
}

func (c *blindConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if ctx.Value(hookKey{}) != nil {
		c.blind.Store(true)
	}
	return c.fullConn.ExecContext(ctx, text, args)
}

func (c *blindConn) TxStatus() byte {
	if s := status(c.fullConn); s == 'I' || !c.blind.Load() {
		return s
	}
	return 'I'
}

// watchingConn watches the context of each transaction, also when that is over.
type watchingConn struct {
	*conn
	mu     sync.Mutex
	within int // the transaction that is open, or 0
	begun  int
	broken bool
}

func (c *watchingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
	c.within, c.broken = c.begun, false
	mine := c.begun
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.broken = c.within != 0 && c.within != mine
	})
	return watchedTx{t, c}, nil
}

func (c *watchingConn) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.within = 0
}

func (c *watchingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.mu.Lock()
	broken := c.broken && c.within != 0
	c.mu.Unlock()
	if broken {
		return nil, errors.New("mutant: the connection is broken")
	}
	return c.conn.ExecContext(ctx, text, args)
}

type watchedTx struct {
	tx
	c *watchingConn
}

func (t watchedTx) Commit() error   { t.c.over(); return t.tx.Commit() }
func (t watchedTx) Rollback() error { t.c.over(); return t.tx.Rollback() }

// danglingConn does not close its statements.
type danglingConn struct{ fullConn }

func (c danglingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, text)
	if err != nil || !strings.HasPrefix(text, "SELECT 1") {
		return s, err
	}
	return openStmt{s.(stmt)}, nil
}

// rememberingConn has each statement wait for its transaction's end.
type rememberingConn struct {
	*conn
	within context.Context
}

func (c *rememberingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.within = ctx
	return c.conn.BeginTx(ctx, opts)
}

func (c *rememberingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if c.within != nil {
		context.AfterFunc(c.within, func() {})
	}
	return c.conn.ExecContext(ctx, text, args)
}
