package conformance

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var errHook = errors.New("conformance: a hook says no")

// refusalRules: what a hook says no to, and one that panics.
var refusalRules = []Rule{
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
				AfterRelease: func(sqlpool.Releasing) error { return errHook },
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
					WhileIdle: func(context.Context, sqlpool.IdleConn) error { return errHook },
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
					return sqlpool.Hooks{AfterRelease: func(sqlpool.Releasing) error { boom(); return nil }}
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
