package conformance

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// gate holds up calls of one operation until they are let through.
type gate struct {
	tickets chan struct{}
	open    chan struct{}
	once    sync.Once
	waiting atomic.Int64
}

var errEnded = errors.New("conformance: the trial is over")

// gate makes each call of the operation wait.
func (p *Probe) gate(op string) *gate {
	g := &gate{tickets: make(chan struct{}, 1000), open: make(chan struct{})}
	p.intercept(func(ctx context.Context, c Call) error {
		if c.Op != op {
			return nil
		}
		return g.pass(ctx, p)
	})
	return g
}

func (g *gate) pass(ctx context.Context, p *Probe) error {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	select {
	case <-g.open:
		return nil
	default:
	}
	select {
	case <-g.tickets:
		return nil
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.loose:
		return errEnded
	}
}

// let lets n calls through, now or when they come.
func (g *gate) let(n int) {
	for range n {
		g.tickets <- struct{}{}
	}
}

// all lets everything through from now on.
func (g *gate) all() { g.once.Do(func() { close(g.open) }) }

// failing makes calls of the operation fail while the function says so.
func (p *Probe) failing(op string, how func(n int) error) {
	var n atomic.Int64
	p.intercept(func(_ context.Context, c Call) error {
		if c.Op != op {
			return nil
		}
		return how(int(n.Add(1)))
	})
}

// failFirst makes the first calls of the operation fail, and no other.
func (p *Probe) failFirst(calls int, op string, how error) {
	p.failing(op, func(n int) error {
		if n <= calls {
			return how
		}
		return nil
	})
}

// slow makes each statement take a moment, so that callers meet.
func (p *Probe) slow() {
	p.intercept(func(_ context.Context, c Call) error {
		if c.Op == OpExec || c.Op == OpQuery {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
}

// failAt has the nth call of an operation fail when the driver has done it, and
// those behind it too: a driver whose call has failed says so again.
func (p *Probe) failAt(op string, nth int, how error) {
	n := 0
	p.afterwards(func(_ context.Context, c Call, err error) error {
		if c.Op != op {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n++; n >= nth {
			return how
		}
		return err
	})
}

// cutAt ends a context at the nth call of an operation, whose outcome is then the
// context's error.
func (p *Probe) cutAt(op string, nth int, cancel context.CancelFunc) {
	n := 0
	p.intercept(func(ctx context.Context, c Call) error {
		if c.Op != op {
			return nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n++; n >= nth {
			cancel()
			return context.Canceled
		}
		return nil
	})
}
