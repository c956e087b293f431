package bench

import (
	"context"
	"database/sql"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// The names of what is read.
const (
	readingName  = "reading"
	readDBStats  = "database/sql, DB.Stats"
	readDBStats2 = "database/sql, DB.Stats, again"
	readStats    = "sqlpool, Pool.Stats"
	readHealth   = "sqlpool, health status"
)

// reading is what a dashboard or a probe asks for.
func reading(ctx context.Context, l *lab) (err error) {
	plain := instantDB(8)
	defer shut(&err, plain)
	monitor := health.New(health.Config{})
	pool, err := newInstantPool(8, func() []sqlpool.Hooks { return []sqlpool.Hooks{monitor.Hooks()} })
	if err != nil {
		return err
	}
	defer shut(&err, pool)
	var (
		dbStats sql.DBStats
		stats   sqlpool.Stats
		status  health.Status
	)
	turn := func(read func()) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			return stretch(ctx, load{goroutines: 1, length: l.long(quickTurn), batch: 64},
				func(context.Context, int, int) error { read(); return nil })
		}
	}
	entrants := []entrant{
		{readDBStats, readDBStats, turn(func() { dbStats = plain.Stats() })},
		{readDBStats2, readDBStats, turn(func() { dbStats = plain.Stats() })},
		{readStats, readDBStats, turn(func() { stats = pool.Stats() })},
		{readHealth, readDBStats, turn(func() { status = monitor.Status() })},
	}
	l.expect(len(entrants) * quickRounds * l.Rounds)
	found, err := l.take(ctx, readingName, quickRounds*l.Rounds, entrants)
	_, _, _ = dbStats, stats, status // so that no reading is optimised away
	if err != nil {
		return err
	}
	l.compare(readingName, found, entrants, true, perOp)
	return nil
}
