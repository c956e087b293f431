package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var configRules = slices.Concat(configurationRules, settingRules)

// configurationRules: a Config as such.
var configurationRules = []Rule{
	{
		ID:     "CFG-01",
		Rule:   "a configuration that cannot be used is refused, with every problem at once",
		Why:    "fixing one field per deployment takes as many deployments",
		Source: "this pool: Config.Validate",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			err := x.refused(func(c *sqlpool.Config) {
				c.MaxConns, c.MinIdle, c.AcquireTimeout, c.MaxDialing = -1, -1, -time.Second, -1
			})
			for _, field := range []string{"MaxConns", "MinIdle", "AcquireTimeout", "MaxDialing"} {
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
		Why:    "limits that are not written down are found by accident",
		Source: "this pool: the constants Default…",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			cfg := x.open(Settings{Adjust: func(c *sqlpool.Config) { c.ShutdownTimeout = 0 }}).Pool.Config()
			for field, values := range map[string][2]any{
				"MaxConns":        {cfg.MaxConns, sqlpool.DefaultMaxConns},
				"AcquireTimeout":  {cfg.AcquireTimeout, sqlpool.DefaultAcquireTimeout},
				"ConnectTimeout":  {cfg.ConnectTimeout, sqlpool.DefaultConnectTimeout},
				"MaxDialing":      {cfg.MaxDialing, sqlpool.DefaultMaxDialing},
				"PingTimeout":     {cfg.PingTimeout, sqlpool.DefaultPingTimeout},
				"RollbackTimeout": {cfg.RollbackTimeout, sqlpool.DefaultRollbackTimeout},
				"CloseTimeout":    {cfg.CloseTimeout, sqlpool.DefaultCloseTimeout},
				"ShutdownTimeout": {cfg.ShutdownTimeout, sqlpool.DefaultShutdownTimeout},
				"SweepInterval":   {cfg.SweepInterval, sqlpool.DefaultSweepInterval},
				"FailFastAfter":   {cfg.FailFastAfter, sqlpool.DefaultFailFastAfter},
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
