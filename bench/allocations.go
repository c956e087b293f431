package bench

import (
	"context"
	"database/sql"
	"math"
	"runtime"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

const (
	allocs measure = "allocations per call"

	// allocating counts what a call allocates, database/sql's own share included.
	allocating = "allocations"
)

// allocations are counts: one more per call is found, whatever the machine does.
func allocations(ctx context.Context, l *lab) (err error) {
	plain := instantDB(8)
	defer shut(&err, plain)
	monitor := health.New(health.Config{})
	pool, err := newInstantPool(8, func() []sqlpool.Hooks { return []sqlpool.Hooks{monitor.Hooks()} })
	if err != nil {
		return err
	}
	ours := sqlpool.OpenDB(pool)
	defer shut(&err, ours)
	captured, err := newInstantPool(8, leakCapture)
	if err != nil {
		return err
	}
	leaks := sqlpool.OpenDB(captured)
	defer shut(&err, leaks)

	var failed error
	check := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	calls := func(db *sql.DB) (exec, query func()) {
		return func() { check(execOnce(ctx, db)) }, func() { check(queryOnce(ctx, db)) }
	}
	plainExec, plainQuery := calls(plain)
	ourExec, ourQuery := calls(ours)
	leakExec, _ := calls(leaks)
	for _, c := range []struct {
		what, contender string
		call            func()
	}{
		{"Exec", instantPlain, plainExec},
		{"Exec", instantOurs, ourExec},
		{"Exec", instantLeak, leakExec},
		{"Query", instantPlain, plainQuery},
		{"Query", instantOurs, ourQuery},
		{"acquire and release", instantOurs, func() { check(sqlpoolLender{pool}.Lend(ctx, nil)) }},
		{"acquire and release", instantLeak, func() { check(sqlpoolLender{captured}.Lend(ctx, nil)) }},
		{"Stats", instantPlain, func() { _ = plain.Stats() }},
		{"Stats", instantOurs, func() { _ = pool.Stats() }},
		{"health", instantOurs, func() { _ = monitor.Status() }},
	} {
		n := allocationsOf(c.call)
		l.add(Figure{Workload: allocating + ", " + c.what, Contender: c.contender, Measure: allocs, Held: isOurs(c.contender)}, []float64{n})
	}
	return failed
}

// allocationsOf is how many allocations a call makes, as testing.AllocsPerRun
// counts them: what happens now and then is rounded away. The least of several
// counts, because other goroutines are counted with it.
func allocationsOf(call func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const calls = 1000
	call()
	least := uint64(math.MaxUint64)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			call()
		}
		runtime.ReadMemStats(&after)
		least = min(least, (after.Mallocs-before.Mallocs)/calls)
	}
	return float64(least)
}
