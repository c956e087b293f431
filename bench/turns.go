package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Calls that take nanoseconds need no long turns to be counted, and many short
// ones meet what else the machine does more evenly.
const (
	quickTurn   = 80 * time.Millisecond
	quickRounds = 3 // for each round of the others
)

// entrant is a contender in a workload: what it does in one of its turns.
type entrant struct {
	name, against string
	turn          func(context.Context) (sample, error)
}

// turns is what all entrants showed, by name and round.
type turns map[string][]sample

// take lets the entrants take turns.
func (l *lab) take(ctx context.Context, workload string, rounds int, entrants []entrant) (turns, error) {
	return l.takeInPieces(ctx, workload, rounds, 1, entrants)
}

// takeInPieces is take with several turns for each entrant in a round, which are
// averaged. The order is drawn anew each time: after a fixed neighbour one would
// always pay for what that one has left behind, such as the server's writes.
func (l *lab) takeInPieces(ctx context.Context, workload string, rounds, pieces int, entrants []entrant) (turns, error) {
	found := turns{}
	for range rounds {
		sums := make([]sample, len(entrants))
		for range pieces {
			for _, i := range rand.Perm(len(entrants)) {
				s, err := entrants[i].turn(ctx)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", workload, entrants[i].name, err)
				}
				if sums[i] == nil {
					sums[i] = sample{}
				}
				for m, v := range s {
					sums[i][m] += v / float64(pieces)
				}
				l.step()
			}
		}
		for i, e := range entrants {
			found[e.name] = append(found[e.name], sums[i])
		}
	}
	return found, nil
}

// ratios are the rounds' ratios of one entrant to another; none if one of them
// has not taken part.
func (t turns) ratios(name, against string, m measure) []float64 {
	var all []float64
	if t[against] == nil {
		return nil
	}
	for round, s := range t[name] {
		all = append(all, s[m]/t[against][round][m])
	}
	return all
}

// own are an entrant's own numbers.
func (t turns) own(name string, m measure) []float64 {
	var all []float64
	for _, s := range t[name] {
		all = append(all, s[m])
	}
	return all
}

// means are the rounds' geometric means over several cells.
func means(cells [][]float64) []float64 {
	if len(cells) == 0 {
		return nil
	}
	all := make([]float64, len(cells[0]))
	for round := range all {
		sum := 0.0
		for _, cell := range cells {
			sum += math.Log(cell[round])
		}
		all[round] = math.Exp(sum / float64(len(cells)))
	}
	return all
}

// quantile is exact for the median of an odd number of values.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

func median(values []float64) float64 { return quantile(values, 0.5) }
