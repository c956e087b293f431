package fakedb

import (
	"context"
	"errors"
	"time"
)

// hit is a fault that befalls a call, and the rule it came from.
type hit struct {
	Fault
	rule *Rule
}

// errCut ends a wait whose connection was aborted or died.
var errCut = errors.New("fakedb: cut")

// strike looks for what befalls the call; nil almost always.
func (db *DB) strike(call Call) *hit {
	rules := db.rules.Load()
	if rules == nil {
		return nil
	}
	var found *hit
	for _, r := range *rules {
		f, ok := r.match(call)
		if !ok {
			continue
		}
		if found != nil {
			f.Delay += found.Delay
			f.Deaf = f.Deaf || found.Deaf
		}
		found = &hit{Fault: f, rule: r}
		if !f.idle() {
			break
		}
	}
	return found
}

// wait spends the Delay and the Hang. It holds no lock and waits only for channels, so that a bubble's time moves.
func (h *hit) wait(ctx context.Context, cut <-chan struct{}) error {
	h.rule.waiting.Add(1)
	defer h.rule.waiting.Add(-1)
	done := ctx.Done()
	if h.Delay > 0 {
		heed := done
		if h.Deaf {
			heed = nil
		}
		if err := sleep(ctx, heed, cut, h.Delay); err != nil {
			return err
		}
	}
	switch h.Hang {
	case NoHang:
		return nil
	case UntilAbort:
		done = nil
	case UntilReleased:
		done, cut = nil, nil
	}
	select {
	case <-h.rule.release:
		return nil
	case <-done:
		return ctx.Err()
	case <-cut:
		return errCut
	}
}

// finish throws the Panic or returns the Err.
func (h *hit) finish() error {
	if h.Panic != nil {
		panic(h.Panic)
	}
	return h.Err
}

func sleep(ctx context.Context, done, cut <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-done:
		return ctx.Err()
	case <-cut:
		return errCut
	}
}
