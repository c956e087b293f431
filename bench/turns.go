package bench

import (
	"context"
	"fmt"
	"math"
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

// take lets the entrants take turns. Who goes first takes turns as well, so that
// nobody always runs in the wake of the same other.
func (l *lab) take(ctx context.Context, workload string, rounds int, entrants []entrant) (turns, error) {
	found := turns{}
	for round := range rounds {
		for i := range entrants {
			e := entrants[(i+round)%len(entrants)]
			s, err := e.turn(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", workload, e.name, err)
			}
			found[e.name] = append(found[e.name], s)
			l.step()
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
