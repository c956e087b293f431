package conformance

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// exitRules: a hook that ends its goroutine, and one that refuses its caller.
var exitRules = []Rule{
	{
		ID:     "HOOK-12",
		Rule:   "a hook that ends its goroutine, as t.FailNow does, costs the connection and no slot, and Close ends",
		Why:    "the slot would be lost for good, and the pool stop after as many failures as it has connections",
		Source: "runtime: Goexit; this pool: HookPanic",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			for moment, hooks := range momentsOf {
				x.exits(moment, hooks)
			}
		},
	},
	{
		ID:     "HOOK-13",
		Rule:   "a BeforeAcquire hook that refuses the caller, and says so, is the caller's error and costs no connection",
		Why:    "one tenant that is not known would close each idle connection in turn",
		Source: "this pool: CallerRefused",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			const conns = 3
			p := x.probe()
			s := x.open(Settings{MaxConns: conns, Hooks: []sqlpool.Hooks{{BeforeAcquire: func(ctx context.Context, _ *sqlpool.Conn) error {
				if ctx.Value(strangerKey{}) != nil {
					return &sqlpool.CallerRefused{Err: errHook}
				}
				return nil
			}}}})
			x.fill(s, conns)
			stranger := context.WithValue(x.ctx, strangerKey{}, true)
			for range 2*conns + 1 {
				if _, err := s.DB.ExecContext(stranger, x.target.Dialect.One); !errors.Is(err, errHook) {
					x.errorf("the caller that the hook refuses is told: %v", err)
				}
			}
			x.fill(s, conns)
			if n := p.opened(); n != conns {
				x.errorf("%d refused callers cost %d connections", 2*conns+1, n-conns)
			}
		},
	},
}

// strangerKey marks the context of a caller that the hook refuses.
type strangerKey struct{}

// momentsOf are hooks that call a function in one moment.
var momentsOf = map[string]func(func()) sqlpool.Hooks{
	"AfterConnect": func(f func()) sqlpool.Hooks {
		return sqlpool.Hooks{AfterConnect: func(context.Context, *sqlpool.Conn) error { f(); return nil }}
	},
	"BeforeAcquire": func(f func()) sqlpool.Hooks {
		return sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error { f(); return nil }}
	},
	"OnAcquire": func(f func()) sqlpool.Hooks { return sqlpool.Hooks{OnAcquire: func(sqlpool.Acquired) { f() }} },
	"AfterRelease": func(f func()) sqlpool.Hooks {
		return sqlpool.Hooks{AfterRelease: func(sqlpool.Releasing) error { f(); return nil }}
	},
	"OnRelease": func(f func()) sqlpool.Hooks { return sqlpool.Hooks{OnRelease: func(sqlpool.Released) { f() }} },
	"WhileIdle": func(f func()) sqlpool.Hooks {
		return sqlpool.Hooks{WhileIdle: func(context.Context, sqlpool.IdleConn) error { f(); return nil }}
	},
}

// exits has a hook end its goroutine at its first call.
func (x *trial) exits(moment string, hooks func(func()) sqlpool.Hooks) {
	var once sync.Once
	exited := make(chan struct{})
	s := x.open(Settings{
		MaxConns: 1,
		Hooks: []sqlpool.Hooks{hooks(func() {
			once.Do(func() {
				close(exited)
				runtime.Goexit()
			})
		})},
		Adjust: func(c *sqlpool.Config) { c.SweepInterval = time.Millisecond },
	})
	x.spawn(func() { _, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One) }) // whose goroutine may be the one
	select {
	case <-exited:
	case <-time.After(x.atOnce()): // that it is called is another rule's subject
		return
	}
	if moment == "AfterConnect" { // of the first connection: callers are told so until the next dial
		x.until("a caller is served after a hook has ended its goroutine in "+moment, func() bool {
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			return err == nil
		})
	}
	x.mustServe("the caller after a hook has ended its goroutine in "+moment, x.call(x.ctx, s.DB))
	if err := s.Close(); err != nil {
		x.errorf("after a hook has ended its goroutine in %s, Close says %v", moment, err)
	}
}
