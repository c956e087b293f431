package bench

import (
	"context"
	"fmt"
	"time"
)

// Target is a database that the pool is measured on beside the plain one: a
// user's own. Its tables are there (CreateTables).
type Target struct {
	DSN, Schema string
	Driver      string // pgx or lib/pq
	Conns       int    // of both pools
	Goroutines  int    // of the cells with many
	Rounds      int
	Stretch     time.Duration
	Step        func() // told of each stretch that is over; may be nil
}

// Stretches is how many stretches Compare takes.
func (t Target) Stretches() int { return len(ServerOps) * 2 * 2 * t.Rounds }

// Compare measures each operation with one goroutine and with many. Figures are
// ratios of this module's pool to the plain one; a workload is called
// "SELECT 1, 1 goroutine".
func (t Target) Compare(ctx context.Context) (figures []Figure, err error) {
	ours, plain := SqlpoolPgx, PlainPgx
	if t.Driver == "lib/pq" {
		ours, plain = SqlpoolPq, PlainPq
	}
	all, err := openAll(ctx, Setup{DSN: t.DSN, Schema: t.Schema, Conns: t.Conns}, pick(plain, ours))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return nil, err
	}
	l := &lab{report: &Report{}, after: t.Step}
	for _, op := range ServerOps {
		for _, n := range []int{1, t.Goroutines} {
			workload := fmt.Sprintf("%s, %s", op, goroutines(n))
			var entrants []entrant
			for _, o := range all {
				do := func(ctx context.Context, g, n int) error { return o.Do(ctx, op, g*7919+n) }
				if _, err := stretch(ctx, load{t.Conns, t.Stretch / 10, 1}, do); err != nil {
					return nil, fmt.Errorf("%s, %s: %w", workload, o.Name, err)
				}
				entrants = append(entrants, entrant{o.Name, plain, func(ctx context.Context) (sample, error) {
					return stretch(ctx, load{n, t.Stretch, 1}, do)
				}})
			}
			found, err := l.take(ctx, workload, t.Rounds, entrants)
			if err != nil {
				return nil, err
			}
			l.compare(workload, found, entrants[1:], false, throughput, p99, cpuPerOp)
		}
	}
	return l.report.Figures, nil
}

// Size is a pool's size and what the pool did with it.
type Size struct {
	Conns      int     `json:"conns"`
	Throughput float64 `json:"per_second"`
	P50        float64 `json:"p50_ms"` // of an operation, the wait for a connection included
	P99        float64 `json:"p99_ms"`
}

// Sweep measures one operation with pools of several sizes, all with as many
// callers. The sizes take turns.
func (t Target) Sweep(ctx context.Context, op Op, callers int, sizes []int) (swept []Size, err error) {
	ours := SqlpoolPgx
	if t.Driver == "lib/pq" {
		ours = SqlpoolPq
	}
	var all []opened
	defer func() { err = joined(err, closeAll(all)) }()
	var entrants []entrant
	for _, n := range sizes {
		o, err := openAll(ctx, Setup{DSN: t.DSN, Schema: t.Schema, Conns: n}, pick(ours))
		if err != nil {
			return nil, err
		}
		all = append(all, o...)
		do := func(ctx context.Context, g, n int) error { return o[0].Do(ctx, op, g*7919+n) }
		if _, err := stretch(ctx, load{n, t.Stretch / 10, 1}, do); err != nil {
			return nil, err
		}
		entrants = append(entrants, entrant{fmt.Sprint(n), fmt.Sprint(n), func(ctx context.Context) (sample, error) {
			return stretch(ctx, load{callers, t.Stretch, 1}, do)
		}})
	}
	l := &lab{report: &Report{}, after: t.Step}
	found, err := l.take(ctx, string(op), t.Rounds, entrants)
	if err != nil {
		return nil, err
	}
	for _, n := range sizes {
		name := fmt.Sprint(n)
		swept = append(swept, Size{
			n, median(found.own(name, throughput)), median(found.own(name, p50)), median(found.own(name, p99)),
		})
	}
	return swept, nil
}

// Alone is how long one operation takes, in milliseconds, when no other
// operation runs: it holds a connection for that long.
func (t Target) Alone(ctx context.Context, op Op) (ms float64, err error) {
	swept, err := t.Sweep(ctx, op, 1, []int{1})
	if err != nil {
		return 0, err
	}
	return 1000 / swept[0].Throughput, nil
}
