package bench

import (
	"context"
	"fmt"
	"runtime"
)

// crowd is so many goroutines on so many connections.
type crowd struct{ goroutines, conns int }

// String implements fmt.Stringer.
func (c crowd) String() string {
	if c.goroutines == 1 {
		return "1"
	}
	return fmt.Sprintf("%d on %d", c.goroutines, c.conns)
}

// loans is a loan begun and ended, without a statement.
func loans(ctx context.Context, l *lab) error {
	crowds := []crowd{{1, 8}, {64, 8}, {1000, 10}}
	l.expect(len(crowds) * len(bares) * quickRounds * l.Rounds)
	for _, c := range crowds {
		if err := l.loansOf(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) loansOf(ctx context.Context, c crowd) (err error) {
	var hold func()
	if c.goroutines > c.conns {
		// Without it each goroutine would have all connections to itself until it is
		// preempted, and almost no goroutine would ever wait.
		hold = runtime.Gosched
	}
	batch := 16
	if c.goroutines > 100 {
		batch = 2 // a turn ends when all have done theirs
	}
	var entrants []entrant
	for _, b := range bares {
		lender, failed := b.open(c.conns)
		if failed != nil {
			return failed
		}
		defer shut(&err, lender)
		entrants = append(entrants, entrant{b.name, b.against, func(ctx context.Context) (sample, error) {
			return stretch(ctx, load{goroutines: c.goroutines, length: l.long(quickTurn), batch: batch},
				func(ctx context.Context, _, _ int) error { return lender.Lend(ctx, hold) })
		}})
	}
	workload := "loans, " + c.String()
	found, err := l.take(ctx, workload, quickRounds*l.Rounds, entrants)
	if err != nil {
		return err
	}
	l.compare(workload, found, entrants, true, perOp)
	return nil
}
