package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// connected takes a new connection into the group, or takes back the locks of one whose
// session was reset.
func (f *Fleet) connected(ctx context.Context, c *sqlpool.Conn) error {
	if l, ok := c.Value(f).(*link); ok {
		return l.again(ctx)
	}
	l := &link{fleet: f, conn: c, born: time.Now()}
	if err := l.open(ctx); err != nil {
		return err
	}
	c.SetValue(f, l)
	f.mu.Lock()
	now := time.Now()
	open, _ := f.open()
	must, joined := f.grant.bound(now, 0, 1) < open, f.joined // beyond what may be dialed freely
	f.mu.Unlock()
	err := f.take(ctx, l, must)
	l.opened = true
	if errors.Is(err, errFull) {
		return fmt.Errorf("fleet: group %q: %w, %d of %d: this process tries again until the others have made room for it; "+
			"raise pool_fleet_max_conns if it lasts", f.group, err, f.cfg.MaxConns, f.cfg.MaxConns)
	}
	if err != nil && joined && soft(err) {
		return nil // it is told by Status; the next turn may do better
	}
	return err
}

// released runs at the end of each loan: one look at a flag.
func (f *Fleet) released(r sqlpool.Releasing) error {
	if f.due.Load() && f.due.CompareAndSwap(true, false) {
		r.Defer(f.work)
	}
	return nil
}

func (f *Fleet) idle(ctx context.Context, c sqlpool.IdleConn) error {
	if f.due.Load() && f.due.CompareAndSwap(true, false) {
		return f.work(ctx, c.Conn)
	}
	return nil
}

// closed has a turn taken soon when the publication has gone with its session.
func (f *Fleet) closed(e sqlpool.Closed) {
	select {
	case f.closes <- struct{}{}:
	default:
	}
	if l := f.publisher.Load(); l != nil && &l.conn.ConnRef == e.Conn {
		f.due.Store(true)
	}
}

// sweep looks at the demand, and bounds the pool while the member cannot read.
func (f *Fleet) sweep(p *sqlpool.Pool) {
	s, now := p.Stats(), time.Now()
	f.mu.Lock()
	if f.left {
		f.mu.Unlock()
		return
	}
	f.demand.sample(s, now)
	f.boundLocked(false)
	f.mu.Unlock()
	if s.Waiting > 0 && s.Open >= s.MaxConns {
		f.due.Store(true)
	}
}

// leaveWithin bounds what leaving costs a Shutdown.
const leaveWithin = 250 * time.Millisecond

// shutdown tells the others that the member's connections are given back, if one is
// free to tell it.
func (f *Fleet) shutdown(ctx context.Context, p *sqlpool.Pool) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	defer f.timer.Stop()
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-f.turn }()
	f.mu.Lock()
	f.left = true
	f.mu.Unlock()
	f.resize(p, 1, 0)
	if s := p.Stats(); s.Idle == 0 {
		return
	}
	loan, err := p.Acquire(ctx)
	if err != nil {
		return
	}
	defer func() { _ = loan.Release() }()
	if l, ok := loan.Conn().Value(f).(*link); ok {
		_ = f.member.leave(ctx, l)
	}
}
