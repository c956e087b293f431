package fleet

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// work takes a turn on a connection that is not lent. An error ends the connection.
func (f *Fleet) work(ctx context.Context, c *sqlpool.Conn) error {
	l, ok := c.Value(f).(*link)
	if !ok {
		f.due.Store(true)
		return nil
	}
	if err := f.take(ctx, l, false); err != nil && !soft(err) && !errors.Is(err, errNotKept) {
		return err
	}
	return nil
}

// take is one turn of the member on this connection. While another one is under way it
// waits for that if it must.
func (f *Fleet) take(ctx context.Context, l *link, must bool) error {
	select {
	case f.turn <- struct{}{}:
	default:
		if !must {
			return nil
		}
		select {
		case f.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-f.turn }()
	f.mu.Lock()
	if f.left {
		f.mu.Unlock()
		return nil
	}
	now := time.Now()
	f.demand.sample(f.pool.Load().Stats(), now)
	f.wanted = min(f.demand.turn(), f.most)
	f.mu.Unlock()

	err := f.member.turn(ctx, l, f)

	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.id = err, f.member.id
	f.grant, f.readAt = f.member.grant(), f.member.readAt
	f.peers = append(f.peers[:0], f.member.peers...)
	f.joined = f.joined || err == nil
	if errors.Is(err, errTaken) { // nothing has the number yet but this connection, which ends
		f.member.id = 1 + rand.Uint32N(1<<32-2)
	}
	f.member.hurry = f.member.hurry || err != nil
	f.timer.Reset(f.member.pause(rand.Float64()))
	return err
}

// open, want and limit implement local.
func (f *Fleet) open() (all, dialing int) {
	s := f.pool.Load().Stats()
	return s.Open, s.Dialing
}

func (f *Fleet) want() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wanted
}

func (f *Fleet) limit(g grant, lost int, read bool) {
	f.mu.Lock()
	f.grant, f.lost = g, lost
	f.boundLocked(read)
	f.mu.Unlock()
	f.awaitCloses()
}

// closesWithin bounds how long a turn waits for connections that are being closed: what
// they make room for is then published in the same turn.
const closesWithin = 100 * time.Millisecond

func (f *Fleet) awaitCloses() {
	var timeout <-chan time.Time
	for f.pool.Load().Stats().Closing > 0 {
		if timeout == nil {
			timeout = time.After(closesWithin)
		}
		select {
		case <-f.closes:
		case <-timeout:
			return
		}
	}
}

// boundLocked has the pool keep to the grant. Between two calls nothing raises the
// bound, so that no second dial passes where one at a time may.
func (f *Fleet) boundLocked(read bool) {
	open, dialing := f.open()
	if read {
		dialing--
	}
	g := f.grant
	g.cap -= f.lost
	f.resize(f.pool.Load(), g.bound(time.Now(), open, dialing), f.minIdle)
}

func (f *Fleet) resize(p *sqlpool.Pool, maxConns, minIdle int) {
	if s := p.Stats(); s.MaxConns != maxConns || s.MinIdle != min(minIdle, maxConns) {
		_ = p.Resize(maxConns, min(minIdle, maxConns)) // fails only when the pool is closed
	}
}
