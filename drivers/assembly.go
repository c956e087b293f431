package drivers

import (
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

// assembly is a pool before it is built: what the settings write to.
type assembly struct {
	cfg sqlpool.Config

	lifetime, jitter, idleTime time.Duration
	maxUses                    int
}

// quarter means that nobody chose a jitter: a quarter of the lifetime.
const quarter = time.Duration(-1)

// standard is the assembly without any setting. Where it differs from
// sqlpool.Config's own defaults, it has those of the production service that
// the pool comes from (design section 1).
func standard() assembly {
	return assembly{
		cfg: sqlpool.Config{
			Name:               sqlpool.DefaultName,
			MaxConns:           10,
			MinIdle:            2,
			AcquireTimeout:     30 * time.Second,
			ConnectTimeout:     sqlpool.DefaultConnectTimeout,
			MaxDialing:         sqlpool.DefaultMaxDialing,
			ShedInterval:       sqlpool.DefaultShedInterval,
			PingTimeout:        sqlpool.DefaultPingTimeout,
			RollbackTimeout:    sqlpool.DefaultRollbackTimeout,
			CloseTimeout:       sqlpool.DefaultCloseTimeout,
			ShutdownTimeout:    sqlpool.DefaultShutdownTimeout,
			SweepInterval:      sqlpool.DefaultSweepInterval,
			StatementCacheSize: sqlpool.DefaultStatementCacheSize,
			FailFastAfter:      sqlpool.DefaultFailFastAfter,
			Backoff:            sqlpool.Backoff{First: 100 * time.Millisecond, Max: 16 * time.Second, Factor: 2},
		},
		lifetime: time.Hour,
		jitter:   quarter,
		idleTime: time.Minute,
		maxUses:  50_000,
	}
}

// hooks makes the standard hooks, new ones for each pool.
func (a *assembly) hooks() []sqlpool.Hooks {
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
