package byname

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// assembly is a pool before it is built: what the settings write to.
type assembly struct {
	cfg sqlpool.Config

	lifetime, jitter, idleTime time.Duration
	maxUses                    int

	leaks  bool // whether leak is used
	leak   leak.Config
	reset  reset
	health health.Config
	log    bool // to slog's default logger
	slow   time.Duration
	fleet  fleet.Config // MaxConns is 0 without one
	eager  bool         // BEGIN does not wait for the first statement

	replicas []onehost.Host
	route    route.Config // without its pools
}

// assembled is a standard assembly: a configuration, and its policies that a
// program may want to ask.
type assembled struct {
	sqlpool.Config
	monitor *health.Monitor
	leaks   *leak.Detector // nil when leaks are not looked for
	fleet   *fleet.Fleet   // nil for a pool with a limit of its own

	replicas []*assembled // of the primary alone
	route    route.Config // without its pools

	settings []sqlpool.Setting // what it was made of, and where that came from
}

// quarter means that no jitter was chosen: a quarter of the lifetime.
const quarter = time.Duration(-1)

// standard is the assembly without any setting. Where it differs from
// sqlpool.Config's own defaults, it has those of the production service that
// the pool comes from (design section 1).
func standard() assembly {
	return assembly{
		cfg: sqlpool.Config{
			Name:            sqlpool.DefaultName,
			MaxConns:        10,
			MinIdle:         2,
			AcquireTimeout:  30 * time.Second,
			ConnectTimeout:  sqlpool.DefaultConnectTimeout,
			MaxDialing:      sqlpool.DefaultMaxDialing,
			PingTimeout:     sqlpool.DefaultPingTimeout,
			RollbackTimeout: sqlpool.DefaultRollbackTimeout,
			CloseTimeout:    sqlpool.DefaultCloseTimeout,
			ShutdownTimeout: sqlpool.DefaultShutdownTimeout,
			SweepInterval:   sqlpool.DefaultSweepInterval,
			FailFastAfter:   sqlpool.DefaultFailFastAfter,
			Backoff:         sqlpool.Backoff{First: 100 * time.Millisecond, Max: 16 * time.Second, Factor: 2},
		},
		lifetime: time.Hour,
		jitter:   quarter,
		idleTime: time.Minute,
		maxUses:  50_000,
		leaks:    true,
		leak:     leak.Config{After: leak.DefaultAfter},
		fleet:    fleet.Config{Interval: fleet.DefaultInterval},
		route:    route.Config{MaxLag: route.DefaultMaxLag},
	}
}

// assemble makes the standard hooks, new ones for each pool.
func (a *assembly) assemble() *assembled {
	done := &assembled{Config: a.cfg, route: a.route}
	done.Hooks = a.recycling()
	if a.reset == resetClean {
		done.Hooks = append(done.Hooks, resetter.Clean())
	}
	monitored := a.health
	if a.fleet.MaxConns > 0 {
		shared := a.fleet
		shared.Group = cmp.Or(shared.Group, a.cfg.Name)
		done.fleet = fleet.New(shared)
		monitored.Fleet = done.fleet
		done.Hooks = append(done.Hooks, done.fleet.Hooks())
	}
	if a.leaks && a.leak.After > 0 {
		watched := a.leak
		watched.HideStatements = a.cfg.HideStatements
		if a.log {
			watched.Report = leak.Log(slog.Default())
		}
		done.leaks = leak.New(watched)
		monitored.Leaks = done.leaks
		done.Hooks = append(done.Hooks, done.leaks.Hooks())
	}
	done.monitor = health.New(monitored)
	done.Hooks = append(done.Hooks, done.monitor.Hooks())
	if a.log {
		logged := slogger.Options{Slow: a.slow, HideStatements: a.cfg.HideStatements}
		done.Hooks = append(done.Hooks, logged.Hooks(slog.Default()))
	}
	return done
}

func (a *assembly) recycling() []sqlpool.Hooks {
	var all []sqlpool.Hooks
	switch {
	case a.lifetime == 0:
	case a.jitter == quarter:
		all = append(all, recycle.MaxLifetime(a.lifetime))
	default:
		all = append(all, recycle.MaxLifetime(a.lifetime, a.jitter))
	}
	if a.idleTime > 0 {
		all = append(all, recycle.MaxIdleTime(a.idleTime))
	}
	if a.maxUses > 0 {
		all = append(all, recycle.MaxUses(uint64(a.maxUses)))
	}
	return all
}
