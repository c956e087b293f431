package conformance

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// partialRules: new connections are refused while those that are open work.
var partialRules = []Rule{
	{
		ID:     "OUT-11",
		Rule:   "while a connection works callers are served and not refused, whatever new dials say",
		Why:    "a full server, a rotated password or a pooler's limit would take down a service whose connections serve every statement",
		Source: "this pool: down is what connections prove (docs/decisions/0030)",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			const patience = 10 * soon
			p := x.probe()
			s := x.open(Settings{MaxConns: 4, Adjust: func(c *sqlpool.Config) { c.FailFastAfter = patience }})
			x.fill(s, 2)
			refusals := []error{errDial, stateError("53300"), stateError("28P01"), stateError("57P03"), stateError("08P01")}
			var dials atomic.Int64
			p.intercept(func(_ context.Context, c Call) error {
				switch c.Op {
				case OpDial:
					return refusals[int(dials.Add(1))%len(refusals)]
				case OpExec, OpQuery:
					time.Sleep(time.Millisecond) // so that callers wait for one another
				}
				return nil
			})
			begun := time.Now()
			ended := make(chan error)
			const callers = 12
			for range callers {
				x.spawn(func() {
					var err error
					for err == nil && (time.Since(begun) < 2*patience || dials.Load() < 2) && x.ctx.Err() == nil {
						_, err = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
					}
					ended <- err
				})
			}
			for range callers {
				if err := <-ended; err != nil {
					x.errorf("with two connections that work and new ones refused, a caller is told: %v", err)
				}
			}
		},
	},
}
