package conformance

import (
	"errors"
	"time"
)

// serverRules: a server that answers, and says no.
var serverRules = []Rule{
	{
		ID:     "OUT-07",
		Rule:   "a refused password or a missing database is told at once: waiting would not help",
		Why:    "a rotated credential would look like a slow network until every timeout has passed",
		Source: "this pool: ClassPermanent, SQLSTATE 28 and 3D",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 1})
			p.failing(OpDial, func(int) error { return stateError("28P01") })
			start := time.Now()
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			var state stateError
			if took := time.Since(start); !errors.As(err, &state) || took > x.atOnce() {
				x.errorf("after %v the caller is told: %v", took, err)
			}
		},
	},
	{
		ID:     "OUT-08",
		Rule:   "a server that is starting up (57P03) is waited for",
		Why:    "it answers, so a pool that takes every answer for final fails through each restart",
		Source: "this pool: ClassUnavailable",
		needs:  []Need{NeedBreak},
		check: func(x *trial) {
			s, p := x.outage(Settings{MaxConns: 1})
			p.failFirst(2, OpDial, stateError("57P03"))
			x.mustServe("a caller while the server starts up", x.call(x.ctx, s.DB))
		},
	},
}

// stateError is an error of the server with its SQLSTATE.
type stateError string

// Error implements error.
func (e stateError) Error() string { return "conformance: the server says " + string(e) }

// SQLState is how both drivers' errors tell it.
func (e stateError) SQLState() string { return string(e) }
