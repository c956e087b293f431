package conformance

import (
	"errors"

	"github.com/sqlpool/go/sqlpool"
)

// loanRules: one connection, one caller.
var loanRules = []Rule{
	{
		ID:     "INV-04",
		Rule:   "no two callers use one connection at the same time",
		Why:    "answers go to the wrong caller: the worst bug that a pool can have",
		Source: "database/sql/driver: Conn is used by one goroutine at a time",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			p.slow()
			s := x.open(Settings{MaxConns: 6})
			for range 18 {
				x.spawn(func() {
					for range 10 {
						x.use("a statement", s.DB)
					}
				})
			}
			x.work.Wait()
			if n := p.overlaps(); n > 0 {
				x.errorf("%d calls of the driver met another one on the same connection", n)
			}
		},
	},
	{
		ID:     "INV-05",
		Rule:   "a loan released twice is refused and counted, and the next borrower keeps its connection",
		Why:    "the connection would have two borrowers",
		Source: "this pool: Loan is a value with a generation",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			first := x.acquire(s)
			x.must("Release", first.Release())
			second := x.acquire(s)
			if err := first.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
				x.errorf("the second Release says %v", err)
			}
			if second.Conn() == nil || s.Figures().InUse != 1 {
				x.errorf("the next borrower has lost its connection")
			}
			if n := s.Pool.Stats().MisuseCount; n != 1 {
				x.errorf("%d misuses are counted, not 1", n)
			}
			x.must("the next borrower's Release", second.Release())
		},
	},
	{
		ID:     "INV-06",
		Rule:   "what package sql keeps idle holds no connection, however much it keeps",
		Why:    "SetMaxIdleConns, which most programs call, would starve all other users of the pool",
		Source: "this pool: a session is not a connection",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			const conns = 12
			s := x.open(Settings{MaxConns: conns})
			s.DB.SetMaxIdleConns(100)
			x.fill(s, conns)
			ctx, cancel := x.brief()
			defer cancel()
			for i := range conns {
				loan, err := s.Pool.Acquire(ctx)
				if err != nil {
					x.fatalf("with %d of %d connections lent, and none in use: %v", i, conns, err)
				}
				defer loan.Release()
			}
		},
	},
	{
		ID:     "INV-07",
		Rule:   "when Close returns, every connection is closed",
		Why:    "tests and restarts would leave sessions on the server, until it is full",
		Source: "database/sql: DB.Close",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 7})
			x.fill(s, 7)
			x.must("Close", s.Close())
			if now, most := p.openNow(); now != 0 || most != 7 {
				x.errorf("%d of %d connections are open after Close", now, most)
			}
		},
	},
}
