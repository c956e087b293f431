package conformance

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var hookMutants = []mutant{
	{"HOOK-01", "the end of a loan is told before it is judged", hooked(func(h *sqlpool.Hooks) {
		if judge, tell := h.AfterRelease, h.OnRelease; judge != nil && tell != nil {
			h.AfterRelease = func(r sqlpool.Releasing) error {
				tell(sqlpool.Released{Conn: r.Conn})
				return judge(r)
			}
			h.OnRelease = nil
		}
	})},
	{"HOOK-02", "the end of a loan is not told now and then", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnRelease; tell != nil && h.OnSweep == nil {
			var n atomic.Int64
			h.OnRelease = func(e sqlpool.Released) {
				if n.Add(1)%5 != 0 {
					tell(e)
				}
			}
		}
	})},
	{"HOOK-03", "connections are closed without a reason", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnClose; tell != nil && h.OnOpen != nil && h.OnSweep == nil {
			h.OnClose = func(e sqlpool.Closed) {
				if errors.Is(e.Reason, errHook) {
					e.Reason = nil
				}
				tell(e)
			}
		}
	})},
	{"HOOK-04", "BeforeAcquire is not asked", hooked(func(h *sqlpool.Hooks) { h.BeforeAcquire = nil })},
	{"HOOK-05", "the hook's error is told in words only", hooked(func(h *sqlpool.Hooks) {
		if ask := h.AfterConnect; ask != nil {
			h.AfterConnect = func(ctx context.Context, c *sqlpool.Conn) error {
				if err := ask(ctx, c); err != nil {
					return errors.New(err.Error())
				}
				return nil
			}
		}
	})},
	{"HOOK-06", "AfterRelease is not asked", hooked(func(h *sqlpool.Hooks) {
		if h.OnClose != nil {
			h.AfterRelease = nil
		}
	})},
	{"HOOK-07", "WhileIdle is not asked", hooked(func(h *sqlpool.Hooks) {
		if h.OnClose != nil {
			h.WhileIdle = nil
		}
	})},
	{"HOOK-08", "panics of hooks are swallowed", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnAcquire; tell != nil && !detects(h) {
			h.OnAcquire = func(e sqlpool.Acquired) {
				defer func() { _ = recover() }()
				tell(e)
			}
		}
	})},
	{"HOOK-09", "AfterConnect runs on a connection of its own", hooked(func(h *sqlpool.Hooks) {
		if ask := h.AfterConnect; ask != nil {
			h.AfterConnect = func(ctx context.Context, c *sqlpool.Conn) error {
				if err := ask(ctx, c); err != nil {
					return err
				}
				return c.Exec(ctx, "RESET ALL")
			}
		}
	})},
	{"HOOK-10", "hooks run in the reverse order", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			s.Hooks = slices.Clone(s.Hooks)
			slices.Reverse(s.Hooks)
			return OpenPool(s)
		}
	}},
	{"HOOK-11", "a value lasts for one loan", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnAcquire; tell != nil && !detects(h) {
			h.OnAcquire = func(e sqlpool.Acquired) {
				tell(e)
				e.Conn.SetValue(slot{}, nil)
			}
		}
	})},
}
