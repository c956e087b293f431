package recycle

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// MaxIdleTime retires connections that were not borrowed for d, those idle
// longest first, as long as more than MinIdle are idle. The pool lends the
// connection used last, so that under a light load the others do age.
//
// The Hooks serve one pool, whose idle connections they count; sqlpool.New panics for a
// second one.
func MaxIdleTime(d time.Duration) sqlpool.Hooks {
	if d <= 0 {
		panic(fmt.Sprintf("recycle: MaxIdleTime of %v: it must be more than 0", d))
	}
	i := &idleTime{longest: d}
	return sqlpool.Hooks{OnStart: i.serve, WhileIdle: i.judge}
}

type idleTime struct {
	longest time.Duration
	pool    atomic.Pointer[sqlpool.Pool]
}

func (i *idleTime) serve(p *sqlpool.Pool) {
	if !i.pool.CompareAndSwap(nil, p) {
		panic("recycle: these MaxIdleTime hooks serve another pool already; make one for each")
	}
}

// judge runs in the pool's sweep, one connection after the other, and the one
// before is not counted as idle any more when it was refused.
func (i *idleTime) judge(_ context.Context, c sqlpool.IdleConn) error {
	if c.IdleTime() < i.longest {
		return nil
	}
	// The connection in hand is counted as idle itself.
	if s := i.pool.Load().Stats(); s.Idle <= s.MinIdle {
		return nil
	}
	return tooLongIdle
}

var tooLongIdle = &sqlpool.Reason{Code: CodeMaxIdleTime, Sound: true}
