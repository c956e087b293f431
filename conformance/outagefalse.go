package conformance

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// alarmRules: what is no outage.
var alarmRules = []Rule{
	{
		ID:     "OUT-09",
		Rule:   "a caller who cancels its own statement throws no suspicion on the other connections",
		Why:    "impatient clients would make the pool drop what works",
		Source: "this pool: a caller's own context is never evidence against the server",
		needs:  []Need{NeedSleep, NeedCancel},
		check: func(x *trial) {
			p := x.probe()
			const conns = 3
			s := x.open(Settings{MaxConns: conns})
			x.fill(s, conns)
			for range 2 {
				ctx, cancel := context.WithTimeout(x.ctx, soon)
				_, err := s.DB.ExecContext(ctx, fmt.Sprintf(x.target.Dialect.Sleep, 25))
				cancel()
				if err == nil {
					x.errorf("a statement of 25 s ended within %v", soon)
				}
			}
			x.fill(s, conns)
			if n := p.opened(); n > conns+2 {
				x.errorf("two cancelled statements cost %d connections", n-conns)
			}
		},
	},
	{
		ID:     "OUT-10",
		Rule:   "a connection whose close hangs holds up nobody: its slot is free after CloseTimeout",
		Why:    "a server that has stopped answering would keep every slot of the pool",
		Source: "this pool: Config.CloseTimeout",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			conn := x.hold(s.DB)
			p.gate(OpClose)
			x.spawn(func() {
				_ = conn.Raw(func(any) error { return driver.ErrBadConn })
				_ = conn.Close()
			})
			x.mustServe("the caller behind a connection whose close hangs", x.call(x.ctx, s.DB))
		},
	},
}
