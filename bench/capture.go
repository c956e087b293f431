package bench

import (
	"context"
	"math/rand/v2"
	"strings"
)

// captureName is the workload that shows what the leak detector costs.
const captureName = "leak capture"

// What a stack costs is a few hundredths of a query, and two identical pools
// differ by a third in one turn, however long it is. So turns are of two
// milliseconds and many, without the rest that longer ones begin with.
const (
	captureRounds = 200 // for each round of the others
	captureOps    = 144 // a turn's
)

// capture compares SELECT 1 with leak capture and without it. The contenders are
// opened anew for each round, because identical ones differ for as long as they
// are open.
func capture(ctx context.Context, l *lab) error {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	again := pick(BarePgx)[0]
	again.Name = againOf(BarePgx)
	contenders := append(pick(BarePgx, LeakPgx), again)
	crowds := []crowd{{1, 4}, {8, 4}}
	rounds := l.less(captureRounds, 10)
	l.expect(len(crowds) * len(contenders) * rounds * l.Rounds)
	each, both := map[crowd]turns{}, turns{}
	var entrants []entrant
	round := func() (err error) {
		rand.Shuffle(len(contenders), func(i, j int) { contenders[i], contenders[j] = contenders[j], contenders[i] })
		all, err := openAll(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: 4}, contenders)
		defer func() { err = joined(err, closeAll(all)) }()
		if err != nil {
			return err
		}
		for _, c := range crowds {
			entrants = nil
			for _, o := range all {
				entrants = append(entrants, entrant{o.Name, BarePgx, func(ctx context.Context) (sample, error) {
					return selects(ctx, o, c.goroutines)
				}})
			}
			found, err := l.take(ctx, captureName, rounds, entrants)
			if err != nil {
				return err
			}
			if each[c] == nil {
				each[c] = turns{}
			}
			for name, samples := range found {
				each[c][name], both[name] = append(each[c][name], samples...), append(both[name], samples...)
			}
		}
		return nil
	}
	for range l.Rounds {
		if err := round(); err != nil {
			return err
		}
	}
	for _, c := range crowds {
		l.compare(captureName+", "+c.String(), each[c], entrants, false, throughput)
	}
	l.compare(captureName, both, entrants, true, throughput)
	return nil
}

// selects has goroutines share a turn's operations.
func selects(ctx context.Context, client Client, goroutines int) (sample, error) {
	_, took, err := together(goroutines, func(int) error {
		for n := range captureOps / goroutines {
			if err := client.Do(ctx, Select, n); err != nil {
				return err
			}
		}
		return nil
	})
	return sample{throughput: captureOps / took.Seconds()}, err
}

func captureSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, name := range []string{againOf(BarePgx), LeakPgx} {
		line := []string{mark(name)}
		for _, w := range []string{captureName, captureName + ", 1", captureName + ", 8 on 4"} {
			line = append(line, r.times(w, name, BarePgx, throughput))
		}
		lines = append(lines, line)
	}
	table(b, 1, []string{"contender", "throughput, both", "1 goroutine", "8 on 4 connections"}, lines)
}

// againOf names a contender that takes part a second time.
func againOf(name string) string { return name + ", again" }
