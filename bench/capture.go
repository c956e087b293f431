package bench

import (
	"context"
	"strings"
	"time"
)

// captureName is the workload that shows what the leak detector costs.
const captureName = "leak capture"

// captureRounds are many: what a stack costs is a few hundredths of a query, and
// two identical pools differ by more in one round.
const captureRounds = 30 // for each round of the others

// capture compares SELECT 1 with leak capture and without it.
func capture(ctx context.Context, l *lab) (err error) {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	again := pick(SqlpoolPgx)[0]
	again.Name = againOf(SqlpoolPgx)
	all, err := openAll(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: 4}, append(pick(SqlpoolPgx, LeakPgx), again))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	crowds := []crowd{{1, 4}, {8, 4}}
	l.expect(len(crowds) * len(all) * captureRounds * l.Rounds)
	means := turns{}
	var entrants []entrant
	for _, c := range crowds {
		entrants = nil
		for _, o := range all {
			entrants = append(entrants, entrant{o.Name, SqlpoolPgx, func(ctx context.Context) (sample, error) {
				return stretch(ctx, load{goroutines: c.goroutines, length: l.long(12 * time.Millisecond), batch: 4},
					func(ctx context.Context, _, n int) error { return o.Do(ctx, Select, n) })
			}})
		}
		workload := captureName + ", " + c.String()
		found, err := l.take(ctx, workload, captureRounds*l.Rounds, entrants)
		if err != nil {
			return err
		}
		l.compare(workload, found, entrants, false, throughput)
		for name, samples := range found {
			means[name] = append(means[name], samples...)
		}
	}
	l.compare(captureName, means, entrants, true, throughput)
	return nil
}

func captureSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, name := range []string{againOf(SqlpoolPgx), LeakPgx} {
		line := []string{mark(name)}
		for _, w := range []string{captureName, captureName + ", 1", captureName + ", 8 on 4"} {
			line = append(line, r.times(w, name, SqlpoolPgx, throughput))
		}
		lines = append(lines, line)
	}
	table(b, 1, []string{"contender", "throughput, both", "1 goroutine", "8 on 4 connections"}, lines)
}

// againOf names a contender that takes part a second time.
func againOf(name string) string { return name + ", again" }
