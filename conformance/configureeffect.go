package conformance

import (
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// settingRules: what single fields do.
var settingRules = []Rule{
	{
		ID:     "CFG-05",
		Rule:   "with StatementsAsText nothing is prepared",
		Why:    "a pooler in transaction mode gives each statement another server: what was prepared is not there",
		Source: "this pool: Config.Statements",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{Adjust: func(c *sqlpool.Config) { c.Statements = sqlpool.StatementsAsText }})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for range 5 {
				_, err := stmt.ExecContext(x.ctx)
				x.must("executing the statement", err)
			}
			if n := p.count(OpPrepare); n != 0 {
				x.errorf("%d statements were prepared", n)
			}
		},
	},
	{
		ID:     "CFG-06",
		Rule:   "with HideStatements no text of a statement is in errors or lists",
		Why:    "some programs put values into their texts, and logs are read by others",
		Source: "this pool: Config.HideStatements",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.HideStatements, c.AcquireTimeout = true, soon }})
			x.holdReady(s)
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if err == nil || strings.Contains(err.Error(), x.target.Dialect.One) {
				x.errorf("a caller who waits in vain is told: %v", err)
			}
			for _, h := range s.Pool.Holders() {
				if h.LastStatement != "" {
					x.errorf("a holder's last statement is %q", h.LastStatement)
				}
			}
		},
	},
	{
		ID:     "CFG-07",
		Rule:   "a query with arguments is not kept prepared unless CacheQueries says so",
		Why:    "a statement that is kept has the types, tables and literals of the day it was prepared: plain database/sql reads them anew",
		Source: "this pool: Config.CacheQueries",
		needs:  []Need{NeedPool, NeedProbe, NeedEcho, NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			for range 3 {
				var got string
				x.must("a query with an argument", s.DB.QueryRowContext(x.ctx, x.target.Dialect.Echo, "x").Scan(&got))
			}
			x.settle(s)
			if kept := p.count(OpPrepare) - p.count(OpUnstmt); kept != 0 {
				x.errorf("%d statements are kept", kept)
			}
		},
	},
	{
		ID:     "CFG-08",
		Rule:   "a connection that was idle for longer than PingAfter is pinged before it is lent",
		Why:    "a firewall that forgets idle connections says nothing: only a round trip finds out",
		Source: "this pool: Config.PingAfter",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1, Adjust: func(c *sqlpool.Config) { c.PingAfter = time.Millisecond }})
			x.use("a statement", s.DB)
			x.settle(s)
			before := p.count(OpPing)
			time.Sleep(soon) // idle for longer than PingAfter
			x.use("a statement after a pause", s.DB)
			if p.count(OpPing) == before {
				x.errorf("a connection that had been idle for %v was lent without a ping", soon)
			}
		},
	},
	{
		ID:     "CFG-09",
		Rule:   "the pool's name is in its errors and figures",
		Why:    "a service with three databases would not know which of them is away",
		Source: "this pool: Config.Name",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.Name, c.AcquireTimeout = "orders", soon }})
			x.holdReady(s)
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			if err == nil || !strings.Contains(err.Error(), `"orders"`) {
				x.errorf("the error of pool \"orders\" is: %v", err)
			}
			if a, b := s.Pool.Name(), s.Pool.Stats().Name; a != "orders" || b != "orders" {
				x.errorf("pool \"orders\" says that its name is %q, and in its figures %q", a, b)
			}
		},
	},
}
