package sqlpool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// CodeRecycled: replaced by Pool.Recycle, or closed by Pool.CloseIdle.
const CodeRecycled = "recycled"

var recycled = &Reason{Code: CodeRecycled}

// Recycle replaces every connection that is open now, the oldest first, spread
// over a window: for new credentials, or after a failover to spread a fleet
// over servers again. Each connection has an equal share of the window and goes
// at a random moment of it, so that many processes told at once do not dial at
// once. A connection in use is never cut: it is retired when its loan ends,
// which Recycle does not wait for.
//
// Where a slot is free, the replacement is dialed first, and a dial that fails
// ends Recycle with the connections not reached yet left as they are. With
// MaxConns connections open the first one has to go before: the pool is then one
// short, unless MinIdle or a waiting acquire wants the slot filled at once.
//
// The error is ctx's, ErrClosed or the dial's, with how far it came.
func (p *Pool) Recycle(ctx context.Context, over time.Duration) error {
	if over < 0 {
		return fmt.Errorf("sqlpool: Recycle over %v: the window must not be negative", over)
	}
	old := p.openConns()

	start := p.now()
	for i, c := range old {
		share := float64(over) / float64(len(old))
		at := start + int64((float64(i)+rand.Float64())*share)
		err := p.sleep(ctx, time.Duration(at-p.now()))
		if err == nil {
			err = p.replace(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("sqlpool: pool %q: %d of %d connections recycled: %w", p.cfg.Name, i, len(old), err)
		}
	}
	return nil
}

// CloseIdle closes every connection that is idle now, at once: for a server that is
// to serve this pool no more, as a replica that was promoted. Others are dialed
// when they are wanted, and for MinIdle at once. A connection in use stays, and so
// does one that the pool itself looks at in this moment.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.idle.Len() > 0 {
		c, _ := p.idle.DropOldest()
		p.closeLocked(c, recycled)
	}
	p.dialMoreLocked()
	p.changedLocked()
}

// openConns returns the connections that hold a slot, the oldest first.
func (p *Pool) openConns() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(slices.Values(p.conns), func(a, b *Conn) int { return cmp.Compare(a.id, b.id) })
}

// sleep waits, but not for longer than ctx and the pool last.
func (p *Pool) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.dials.Done():
	case <-ctx.Done():
	}
	if p.isClosed() {
		return ErrClosed
	}
	return ctx.Err()
}

// replace sees one connection off, after its replacement has come where there
// is room for both.
func (p *Pool) replace(ctx context.Context, c *Conn) error {
	if err := p.dialReplacement(ctx, c); err != nil {
		return err
	}
	for p.outdate(c) {
		if err := p.sleep(ctx, time.Duration(reserveGrace)); err != nil {
			return err
		}
	}
	return nil
}

// dialReplacement dials one connection more than is wanted otherwise, when a
// slot is free, and waits for it. What is already on its way out needs none.
func (p *Pool) dialReplacement(ctx context.Context, c *Conn) error {
	var asked *dial
	var failed error
	err := p.until(ctx, func() bool {
		switch {
		case p.closed:
			failed = ErrClosed
		case p.pacer.Failing():
			failed = errors.Join(ErrUnavailable, p.dialErr)
		case c.state.Leaving() || c.leaves != nil:
		case asked != nil:
			return !slices.Contains(p.dialing, asked)
		case p.slots.Open() >= p.stats.MaxConns:
		case p.slots.Dialing() >= p.cfg.MaxDialing || p.slots.Taken() >= p.stats.MaxConns:
			return false
		default:
			asked = p.startDialLocked()
			return false
		}
		return true
	})
	return cmp.Or(err, failed)
}

// outdate closes c if it is idle, and sees to it that it is closed when its
// loan ends if it is in use. It reports whether c is neither but held by the
// pool itself for a moment: one has to look again.
func (p *Pool) outdate(c *Conn) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed || c.state.Leaving() || c.leaves != nil:
		return false
	case c.state == slots.Idle && p.idle.Drop(c):
		p.closeLocked(c, recycled)
		p.dialMoreLocked()
		return false
	case c.state.Borrowed():
		c.leaves = recycled
		return false
	}
	return true
}
