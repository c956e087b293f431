package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var configRules = []Rule{
	{
		ID:     "CFG-01",
		Rule:   "a configuration that cannot be used is refused, with every problem at once",
		Why:    "fixing one field per deployment takes as many deployments",
		Source: "this pool: Config.Validate",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			err := x.refused(func(c *sqlpool.Config) {
				c.MaxConns, c.MinIdle, c.AcquireTimeout, c.MaxDialing, c.StatementCacheSize = -1, -1, -time.Second, -1, -7
			})
			for _, field := range []string{"MaxConns", "MinIdle", "AcquireTimeout", "MaxDialing", "StatementCacheSize"} {
				if !strings.Contains(err.Error(), "Config."+field+" ") {
					x.errorf("Config.%s is not in: %v", field, err)
				}
			}
		},
	},
	{
		ID:     "CFG-02",
		Rule:   "each problem names the field, its value, the rule and what to do",
		Why:    "the reader of the log is seldom who wrote the setting",
		Source: "this pool: FieldError",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			err := x.refused(func(c *sqlpool.Config) { c.MaxWaiters = -3 })
			var field *sqlpool.FieldError
			if !errors.As(err, &field) {
				x.fatalf("the error is a %T: %v", err, err)
			}
			if field.Field != "MaxWaiters" || field.Value != -3 || field.Rule == "" || field.Remedy == "" {
				x.errorf("it says %+v", *field)
			}
		},
	},
	{
		ID:     "CFG-03",
		Rule:   "a zero field means its documented default",
		Why:    "limits that nobody wrote down are found by accident",
		Source: "this pool: the constants Default…",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			cfg := x.open(Settings{Adjust: func(c *sqlpool.Config) { c.ShutdownTimeout = 0 }}).Pool.Config()
			for field, values := range map[string][2]any{
				"MaxConns":           {cfg.MaxConns, sqlpool.DefaultMaxConns},
				"AcquireTimeout":     {cfg.AcquireTimeout, sqlpool.DefaultAcquireTimeout},
				"ConnectTimeout":     {cfg.ConnectTimeout, sqlpool.DefaultConnectTimeout},
				"MaxDialing":         {cfg.MaxDialing, sqlpool.DefaultMaxDialing},
				"PingTimeout":        {cfg.PingTimeout, sqlpool.DefaultPingTimeout},
				"RollbackTimeout":    {cfg.RollbackTimeout, sqlpool.DefaultRollbackTimeout},
				"CloseTimeout":       {cfg.CloseTimeout, sqlpool.DefaultCloseTimeout},
				"ShutdownTimeout":    {cfg.ShutdownTimeout, sqlpool.DefaultShutdownTimeout},
				"SweepInterval":      {cfg.SweepInterval, sqlpool.DefaultSweepInterval},
				"StatementCacheSize": {cfg.StatementCacheSize, sqlpool.DefaultStatementCacheSize},
				"FailFastAfter":      {cfg.FailFastAfter, sqlpool.DefaultFailFastAfter},
			} {
				if values[0] != values[1] {
					x.errorf("%s is %v by default, and documented as %v", field, values[0], values[1])
				}
			}
		},
	},
	{
		ID:     "CFG-04",
		Rule:   "what is changed in a Config after New has no effect",
		Why:    "a slice of hooks that two pools share would be a race",
		Source: "this pool: a Config is copied by New",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var hooks []sqlpool.Hooks
			s := x.open(Settings{MaxConns: 1, Adjust: func(c *sqlpool.Config) {
				c.Hooks = append(c.Hooks, sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error { return nil }})
				hooks = c.Hooks
			}})
			x.use("a statement", s.DB)
			for i := range hooks {
				hooks[i] = sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error { return errHook }}
			}
			if _, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One); err != nil {
				x.errorf("a hook that was put into the slice later runs: %v", err)
			}
			got := s.Pool.Config().Hooks
			clear(got)
			if !slices.ContainsFunc(s.Pool.Config().Hooks, func(h sqlpool.Hooks) bool { return h.BeforeAcquire != nil }) {
				x.errorf("what Config returns is the pool's own slice")
			}
		},
	},
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
		Rule:   "with a StatementCacheSize of -1 each *sql.Stmt closes what it prepared",
		Why:    "servers and poolers that count statements would run out of them",
		Source: "this pool: Config.StatementCacheSize",
		needs:  []Need{NeedPool, NeedProbe, NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1, Adjust: func(c *sqlpool.Config) { c.StatementCacheSize = -1 }})
			for range 3 {
				stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
				x.must("Prepare", err)
				_, err = stmt.ExecContext(x.ctx)
				x.must("executing it", err)
				x.must("closing it", stmt.Close())
			}
			x.until("every statement is closed", func() bool { return p.count(OpPrepare) == p.count(OpUnstmt) })
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

// refused is the error of a configuration that must be refused.
func (x *trial) refused(spoil func(*sqlpool.Config)) error {
	open := x.target.Open
	if open == nil {
		open = OpenPool
	}
	s, err := open(Settings{Connector: x.target.Connector, Adjust: spoil})
	if err == nil {
		_ = s.Close()
		x.fatalf("a configuration that cannot be used was accepted")
	}
	return err
}
