package bench

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

const (
	bytesEach      measure = "bytes each"
	goroutinesEach measure = "goroutines"

	idleFootprint   = "footprint, idle connection"
	waiterFootprint = "footprint, waiter"
)

// measured is a *sql.DB whose queue can be read.
type measured struct {
	*sql.DB
	waiting func() int
}

// footprints are the contenders, each opened anew for each turn.
var footprints = []struct {
	name string
	open func(conns int) (measured, error)
}{
	{instantPlain, openMeasuredPlain},
	{instantPlain2, openMeasuredPlain},
	{instantOurs, openMeasuredPool(noHooks)},
	{instantHooks, openMeasuredPool(standardHooks)},
}

func openMeasuredPlain(conns int) (measured, error) {
	db := instantDB(conns)
	return measured{db, func() int { return int(db.Stats().WaitCount) }}, nil
}

func openMeasuredPool(hooks func() []sqlpool.Hooks) func(conns int) (measured, error) {
	return func(conns int) (measured, error) {
		p, err := newInstantPool(conns, hooks)
		if err != nil {
			return measured{}, err
		}
		return measured{sqlpool.OpenDB(p), func() int { return p.Stats().Waiting }}, nil
	}
}

// footprint is the memory of what does nothing: connections that are idle, and
// callers that wait for the only one. The instant driver's own share is the same
// for all.
func footprint(ctx context.Context, l *lab) error {
	l.expect(2 * len(footprints) * l.Rounds)
	for _, what := range []struct {
		workload string
		turn     func(ctx context.Context, open func(int) (measured, error)) (sample, error)
	}{
		{idleFootprint, func(ctx context.Context, open func(int) (measured, error)) (sample, error) {
			return idleMemory(ctx, l.less(1000, 50), open)
		}},
		{waiterFootprint, func(ctx context.Context, open func(int) (measured, error)) (sample, error) {
			return waiterMemory(ctx, l.less(10_000, 200), open)
		}},
	} {
		var entrants []entrant
		for _, f := range footprints {
			entrants = append(entrants, entrant{f.name, instantPlain, func(ctx context.Context) (sample, error) {
				return what.turn(ctx, f.open)
			}})
		}
		found, err := l.take(ctx, what.workload, l.Rounds, entrants)
		if err != nil {
			return err
		}
		l.compare(what.workload, found, entrants, true, bytesEach)
		if what.workload == idleFootprint {
			l.count(what.workload, found, entrants, true, goroutinesEach)
		}
	}
	return nil
}

func idleMemory(ctx context.Context, n int, open func(int) (measured, error)) (_ sample, err error) {
	before, routines := memory(), runtime.NumGoroutine()
	db, err := open(n)
	if err != nil {
		return nil, err
	}
	defer shut(&err, db)
	conns := make([]*sql.Conn, n)
	for i := range conns {
		if conns[i], err = db.Conn(ctx); err != nil {
			return nil, err
		}
		if err := conns[i].PingContext(ctx); err != nil {
			return nil, err
		}
	}
	for i := range conns {
		if err := conns[i].Close(); err != nil {
			return nil, err
		}
		conns[i] = nil
	}
	return sample{
		bytesEach:      float64(memory()-before) / float64(n),
		goroutinesEach: float64(runtime.NumGoroutine() - routines), // of all connections together
	}, nil
}

func waiterMemory(ctx context.Context, n int, open func(int) (measured, error)) (_ sample, err error) {
	db, err := open(1)
	if err != nil {
		return nil, err
	}
	defer shut(&err, db)
	held, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := held.PingContext(ctx); err != nil { // a connection that was never used may be lent to another
		return nil, err
	}
	before := memory()
	errs := make(chan error, n)
	var waiters sync.WaitGroup
	for range n {
		waiters.Go(func() {
			if err := execOnce(ctx, db.DB); err != nil {
				errs <- err
			}
		})
	}
	limit := time.After(30 * time.Second)
	for db.waiting() < n {
		select {
		case <-limit:
			return nil, fmt.Errorf("only %d of %d callers wait", db.waiting(), n)
		case <-time.After(time.Millisecond):
		}
	}
	used := memory() - before
	if err := held.Close(); err != nil {
		return nil, err
	}
	waiters.Wait()
	close(errs)
	return sample{bytesEach: float64(used) / float64(n)}, <-errs
}

// memory is what the live heap and all stacks hold.
func memory() int64 {
	runtime.GC()
	runtime.GC() // what the first one finalised, and stacks that it could shrink
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
