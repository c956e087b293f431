package recycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// MaxLifetime retires connections older than d. Each connection's own limit is drawn
// once, when it opens, evenly from d-jitter to d, to the nanosecond: so that
// connections opened together do not all end together, and none lives longer than d by
// more than its last loan and one sweep. Those that MinIdle needs wait for each other:
// at each sweep one at least is replaced, and the others are kept while its dial is
// under way. If a limit were drawn again at each look, connections would live shorter
// the more often the pool looks.
//
// jitter may be left out; it is then a quarter of d. It must be from 0 to d.
// The Hooks may serve several pools.
func MaxLifetime(d time.Duration, jitter ...time.Duration) sqlpool.Hooks {
	spread := d / 4
	switch {
	case len(jitter) == 1:
		spread = jitter[0]
	case len(jitter) > 1:
		panic("recycle: MaxLifetime takes one jitter")
	}
	if d <= 0 {
		panic(fmt.Sprintf("recycle: MaxLifetime of %v: it must be more than 0", d))
	}
	if spread < 0 || spread > d {
		panic(fmt.Sprintf("recycle: MaxLifetime of %v with a jitter of %v: the jitter must be from 0 to the lifetime", d, spread))
	}

	l := &lifetime{longest: d, spread: spread}
	return sqlpool.Hooks{
		AfterConnect: func(_ context.Context, c *sqlpool.Conn) error {
			if c.Value(l) == nil { // not when the session is set up again: it is no younger for that
				c.SetValue(l, l.draw())
			}
			return nil
		},
		AfterRelease: func(r sqlpool.Releasing) error { return l.judge(r.Conn) },
		WhileIdle:    func(_ context.Context, c sqlpool.IdleConn) error { return l.judge(&c.ConnRef) },
	}
}

// lifetime is also the key under which a connection holds its limit: several
// of them on one pool do not meet.
type lifetime struct {
	longest, spread time.Duration
}

// draw is unsigned inside, because spread+1 may not fit in a Duration.
func (l *lifetime) draw() time.Duration {
	return l.longest - time.Duration(rand.Uint64N(uint64(l.spread)+1))
}

func (l *lifetime) judge(c *sqlpool.ConnRef) error {
	if limit, ok := c.Value(l).(time.Duration); ok && c.Age() >= limit {
		return tooOld
	}
	return nil
}

// A reason says nothing that Closed does not, so one serves all.
var tooOld = &sqlpool.Reason{Code: CodeMaxLifetime, Sound: true}
