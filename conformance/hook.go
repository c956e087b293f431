package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var errHook = errors.New("conformance: a hook says no")

var hookRules = []Rule{
	{
		ID:     "HOOK-01",
		Rule:   "hooks see a connection's life in order: connect, open, before acquire, acquire, after release, release, close",
		Why:    "a policy that sets up in one moment and reads in the next would find nothing",
		Source: "this pool: Hooks, read from top to bottom",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var seen list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				AfterConnect:  func(context.Context, *sqlpool.Conn) error { seen.add("AfterConnect"); return nil },
				BeforeAcquire: func(context.Context, *sqlpool.Conn) error { seen.add("BeforeAcquire"); return nil },
				AfterRelease:  func(*sqlpool.Conn) error { seen.add("AfterRelease"); return nil },
				OnOpen:        func(sqlpool.Opened) { seen.add("OnOpen") },
				OnAcquire:     func(sqlpool.Acquired) { seen.add("OnAcquire") },
				OnRelease:     func(sqlpool.Released) { seen.add("OnRelease") },
				OnClose:       func(sqlpool.Closed) { seen.add("OnClose") },
			}}})
			x.use("a statement", s.DB)
			x.settle(s)
			x.must("closing", s.Close())
			want := "AfterConnect OnOpen BeforeAcquire OnAcquire AfterRelease OnRelease OnClose"
			if got := strings.Join(seen.all(), " "); got != want {
				x.errorf("one statement and the close were seen as\n  %s\nnot as\n  %s", got, want)
			}
		},
	},
	{
		ID:     "HOOK-02",
		Rule:   "each loan is seen to begin once and to end once, whatever it was used for",
		Why:    "a leak detector would report connections that are long back, or miss those that are not",
		Source: "this pool: OnAcquire, OnRelease",
		needs:  []Need{NeedPool, NeedFail},
		check: func(x *trial) {
			var seen list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				OnAcquire: func(e sqlpool.Acquired) { seen.add(fmt.Sprint("+", e.Conn.ID())) },
				OnRelease: func(e sqlpool.Released) { seen.add(fmt.Sprint("-", e.Conn.ID())) },
			}}})
			loans := x.everyUse(s)
			x.settle(s)
			events := seen.all()
			if len(events) != 2*loans {
				x.errorf("%d uses were seen as %v", loans, events)
			}
			for i := 0; i+1 < len(events); i += 2 {
				if events[i][0] != '+' || events[i+1] != "-"+events[i][1:] {
					x.fatalf("loan %d was seen as %s %s", i/2+1, events[i], events[i+1])
				}
			}
		},
	},
	{
		ID:     "HOOK-03",
		Rule:   "each connection that was seen to open is seen to close once, with a reason",
		Why:    "a gauge built on the two would drift, and nobody would know why connections go",
		Source: "this pool: OnOpen, OnClose, Closed.Reason",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var opened, closed list[uint64]
			s := x.open(Settings{MaxConns: 3, Hooks: []sqlpool.Hooks{{
				OnOpen: func(e sqlpool.Opened) {
					if e.Conn != nil {
						opened.add(e.Conn.ID())
					}
				},
				OnClose: func(e sqlpool.Closed) {
					closed.add(e.Conn.ID())
					if e.Reason == nil || sqlpool.ReasonCode(e.Reason) == "" {
						x.errorf("connection %d was closed for the reason %v", e.Conn.ID(), e.Reason)
					}
				},
			}}})
			for range 3 {
				x.must("Retire", x.acquire(s).Retire(nil))
				x.must("Retire", x.acquire(s).Retire(errHook))
			}
			x.fill(s, 3)
			x.must("closing", s.Close())
			o, c := opened.all(), closed.all()
			slices.Sort(o)
			slices.Sort(c)
			if !slices.Equal(o, c) || len(o) < 9 {
				x.errorf("opened: %v; closed: %v", o, c)
			}
		},
	},
	{
		ID:     "HOOK-04",
		Rule:   "an idle connection that BeforeAcquire refuses is replaced, and the caller does not notice",
		Why:    "a check on acquire would show its users the very errors it is there to hide",
		Source: "this pool: BeforeAcquire",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var closed list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				BeforeAcquire: func(_ context.Context, c *sqlpool.Conn) error {
					if c.Loans() == 2 {
						return errHook
					}
					return nil
				},
				OnClose: x.noteReasons(&closed),
			}}})
			for range 3 {
				x.use("a statement", s.DB)
			}
			x.until("the refused connections are closed", func() bool { return len(closed.all()) == 2 })
		},
	},
	{
		ID:     "HOOK-05",
		Rule:   "a new connection that AfterConnect refuses is closed, and the caller is told the hook's error",
		Why:    "the connection would leak, one for each retry, and the cause stay hidden",
		Source: "this pool: AfterConnect",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				AfterConnect: func(context.Context, *sqlpool.Conn) error { return errHook },
			}}})
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if !errors.Is(err, errHook) {
				x.errorf("the caller was told: %v", err)
			}
			x.until("the connection is closed", func() bool {
				now, _ := p.openNow()
				return p.opened() > 0 && now == 0
			})
		},
	},
	{
		ID:     "HOOK-06",
		Rule:   "a connection that AfterRelease refuses is retired, for that reason",
		Why:    "recycling by use and reset policies are built on it",
		Source: "this pool: AfterRelease",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var closed list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				AfterRelease: func(*sqlpool.Conn) error { return errHook },
				OnClose:      x.noteReasons(&closed),
			}}})
			for n := range 3 {
				x.use("a statement", s.DB)
				x.until("the connection is closed", func() bool { return len(closed.all()) == n+1 })
			}
		},
	},
	{
		ID:     "HOOK-07",
		Rule:   "an idle connection that WhileIdle refuses is retired at a sweep, without a caller",
		Why:    "keepalive and idle limits would act on the next caller instead",
		Source: "this pool: WhileIdle, Config.SweepInterval",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var closed list[string]
			s := x.open(Settings{
				Hooks: []sqlpool.Hooks{{
					WhileIdle: func(context.Context, *sqlpool.Conn) error { return errHook },
					OnClose:   x.noteReasons(&closed),
				}},
				Adjust: func(c *sqlpool.Config) { c.SweepInterval = time.Millisecond },
			})
			x.use("a statement", s.DB)
			x.until("the idle connection is closed", func() bool { return len(closed.all()) == 1 })
		},
	},
	{
		ID:     "HOOK-08",
		Rule:   "a hook that panics costs the connection and nothing more: no slot, no lock, no process",
		Why:    "a metric's bug would take the service down",
		Source: "this pool: HookPanic",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			for moment, hooks := range map[string]func(func()) sqlpool.Hooks{
				"BeforeAcquire": func(boom func()) sqlpool.Hooks {
					return sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error { boom(); return nil }}
				},
				"AfterRelease": func(boom func()) sqlpool.Hooks {
					return sqlpool.Hooks{AfterRelease: func(*sqlpool.Conn) error { boom(); return nil }}
				},
				"OnAcquire": func(boom func()) sqlpool.Hooks {
					return sqlpool.Hooks{OnAcquire: func(sqlpool.Acquired) { boom() }}
				},
				"OnRelease": func(boom func()) sqlpool.Hooks {
					return sqlpool.Hooks{OnRelease: func(sqlpool.Released) { boom() }}
				},
			} {
				x.panics(moment, hooks)
			}
		},
	},
	{
		ID:     "HOOK-09",
		Rule:   "AfterConnect can set up the session that its borrowers then have",
		Why:    "time zones, roles and search paths are set there",
		Source: "this pool: Conn.Exec",
		needs:  []Need{NeedPool, NeedState},
		check: func(x *trial) {
			s := x.open(Settings{Hooks: []sqlpool.Hooks{{AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error {
				return c.Exec(ctx, fmt.Sprintf(x.target.Dialect.Set, "prepared"))
			}}}})
			if got := x.shown(s.DB); got != "prepared" {
				x.errorf("the variable that AfterConnect has set is %q", got)
			}
		},
	},
	{
		ID:     "HOOK-10",
		Rule:   "hooks of one moment run in the order of Config.Hooks, and stop at the first refusal",
		Why:    "the order is the only thing by which policies can build on each other",
		Source: "this pool: Config.Hooks",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var seen list[string]
			policy := func(name string, err error) sqlpool.Hooks {
				return sqlpool.Hooks{AfterRelease: func(*sqlpool.Conn) error { seen.add(name); return err }}
			}
			s := x.open(Settings{Hooks: []sqlpool.Hooks{policy("first", nil), policy("second", errHook), policy("third", nil)}})
			x.use("a statement", s.DB)
			x.settle(s)
			if got := seen.all(); !slices.Equal(got, []string{"first", "second"}) {
				x.errorf("of first, second (which refuses) and third there ran %v", got)
			}
		},
	},
	{
		ID:     "HOOK-11",
		Rule:   "a value that a hook stores stays with its connection, for all its loans, and with no other",
		Why:    "one connection's draw or record would become another's",
		Source: "this pool: Conn.SetValue",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 3, Hooks: []sqlpool.Hooks{{
				AfterConnect: func(_ context.Context, c *sqlpool.Conn) error {
					c.SetValue(slot{}, c.ID())
					return nil
				},
				OnAcquire: func(e sqlpool.Acquired) {
					if got := e.Conn.Value(slot{}); got != e.Conn.ID() {
						x.errorf("connection %d has the value %v", e.Conn.ID(), got)
					}
				},
			}}})
			for range 3 {
				x.fill(s, 3)
			}
		},
	},
}

// slot is a hook's key.
type slot struct{}

// list gathers what hooks see.
type list[T any] struct {
	mu    sync.Mutex
	items []T
}

func (l *list[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, item)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.items)
}

// noteReasons is an OnClose that expects errHook, or the end.
func (x *trial) noteReasons(closed *list[string]) func(sqlpool.Closed) {
	return func(e sqlpool.Closed) {
		switch code := sqlpool.ReasonCode(e.Reason); {
		case errors.Is(e.Reason, errHook):
			closed.add(code)
		case code != sqlpool.CodeShutdown:
			x.errorf("a connection was closed for %v, and not for the hook's reason", e.Reason)
		}
	}
}

// panics has a hook panic at its first call.
func (x *trial) panics(moment string, hooks func(func()) sqlpool.Hooks) {
	var once sync.Once
	var closed list[string]
	s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{
		hooks(func() { once.Do(func() { panic("conformance: boom") }) }),
		{OnClose: func(e sqlpool.Closed) { closed.add(sqlpool.ReasonCode(e.Reason)) }},
	}})
	_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
	var panicked *sqlpool.HookPanic
	if err != nil && !errors.As(err, &panicked) {
		x.errorf("%s panics, and the caller is told %v", moment, err)
	}
	x.mustServe("the caller after a panic in "+moment, x.call(x.ctx, s.DB))
	x.until("the connection is closed after a panic in "+moment, func() bool {
		return slices.Contains(closed.all(), sqlpool.CodeHookPanic)
	})
}

// everyUse borrows a connection in each way that package sql has, and returns
// how many loans that was.
func (x *trial) everyUse(s *Subject) (loans int) {
	db, one := s.DB, x.target.Dialect.One
	x.use("Exec", db)
	var n int
	x.must("QueryRow", db.QueryRowContext(x.ctx, one).Scan(&n))
	rows, err := db.QueryContext(x.ctx, one) //nolint:rowserrcheck // no row is read
	x.must("Query", err)
	x.must("closing rows at once", rows.Close())
	for _, commit := range []bool{true, false} {
		tx, err := db.BeginTx(x.ctx, nil)
		x.must("Begin", err)
		x.use("in a transaction", tx)
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		x.must("its end", end())
	}
	conn, err := db.Conn(x.ctx)
	x.must("Conn", err)
	for range 3 {
		x.use("on a Conn", conn)
	}
	x.must("closing a Conn", conn.Close())
	_, err = db.ExecContext(x.ctx, x.target.Dialect.Fail)
	if err == nil {
		x.fatalf("%s succeeds", x.target.Dialect.Fail)
	}
	x.must("Ping", db.PingContext(x.ctx))
	return 8
}

// shown is the session variable.
func (x *trial) shown(q querier) (value string) {
	x.must("asking for a variable", q.QueryRowContext(x.ctx, x.target.Dialect.Show).Scan(&value))
	return value
}
