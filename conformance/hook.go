package conformance

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sqlpool/go/sqlpool"
)

var hookRules = slices.Concat(watchRules, refusalRules, setupRules, exitRules)

// setupRules: what hooks do to a connection, and in which order.
var setupRules = []Rule{
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
				return sqlpool.Hooks{AfterRelease: func(sqlpool.Releasing) error { seen.add(name); return err }}
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

// shown is the session variable.
func (x *trial) shown(q querier) (value string) {
	x.must("asking for a variable", q.QueryRowContext(x.ctx, x.target.Dialect.Show).Scan(&value))
	return value
}
