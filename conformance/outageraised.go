package conformance

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/sqlpool"
)

// raisedRules: errors that look like the end of a session.
var raisedRules = []Rule{
	{
		ID:     "OUT-12",
		Rule:   "an error with the SQLSTATE of a session's end, on a session that goes on, costs neither the connection nor its transaction",
		Why:    "a function may raise any SQLSTATE: locks, savepoints and writes would be lost, and every other connection suspected",
		Source: "PostgreSQL: RAISE; this pool: what the driver says of its connection counts for more than an SQLSTATE",
		needs:  []Need{NeedProbe, NeedRaise},
		check: func(x *trial) {
			const conns = 2
			p := x.probe()
			s := x.open(Settings{MaxConns: conns})
			x.fill(s, conns)
			for _, state := range []string{"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04", "08006", "08P01", "28000", "3D000", "53300"} {
				raise := fmt.Sprintf(x.target.Dialect.Raise, state)
				if _, err := s.DB.ExecContext(x.ctx, raise); err == nil {
					x.fatalf("%s succeeds", raise)
				}
				tx, err := s.DB.BeginTx(x.ctx, nil)
				x.must("Begin", err)
				x.use("a statement in it", tx)
				for _, text := range []string{raise, x.target.Dialect.One} { // the second may be refused, as the server likes
					_, err := tx.ExecContext(x.ctx, text)
					if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sqlpool.ErrConnLost) {
						x.errorf("%s raised in a transaction: to %s the caller is told %v", state, text, err)
					}
				}
				_ = tx.Commit()
			}
			x.fill(s, conns)
			if n := p.opened(); n != conns {
				x.errorf("errors that ended no session cost %d connections", n-conns)
			}
		},
	},
}
