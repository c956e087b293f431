package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// sharesName is the workload that takes an operation's time apart, which the
// server's workload shows as a whole: the wait for a connection, which is the
// pool's, and its use, which is the server's and the scheduler's.
const sharesName = "wait and use, 64 on 10"

// What shares measures, in milliseconds.
const (
	waitP50 measure = "wait, p50"
	waitP99 measure = "wait, p99"
	useP50  measure = "use, p50"
	useP99  measure = "use, p99"
)

// splitter is a Client that can do SELECT 1 and say when it had its connection.
type splitter interface {
	Split(ctx context.Context) (wait, use time.Duration, err error)
}

func shares(ctx context.Context, l *lab) (err error) {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	all, err := openAll(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: connections},
		pick(PlainPgx, PlainPgx2, Pgxpool, SqlpoolPgx, Loans))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	var entrants []entrant
	for _, o := range all {
		client, ok := o.Client.(splitter)
		if !ok {
			return fmt.Errorf("%s cannot be split", o.Name)
		}
		entrants = append(entrants, entrant{o.Name, PlainPgx, func(ctx context.Context) (sample, error) {
			return split(ctx, l.long(250*time.Millisecond), client)
		}})
	}
	l.expect(len(entrants) * l.Rounds)
	found, err := l.take(ctx, sharesName, l.Rounds, entrants)
	if err != nil {
		return err
	}
	l.compare(sharesName, found, entrants, false, waitP50, waitP99, useP50, useP99)
	return nil
}

func split(ctx context.Context, length time.Duration, client splitter) (sample, error) {
	type spent struct{ waits, uses []time.Duration }
	callers := make([]spent, 64)
	s, err := stretch(ctx, load{goroutines: len(callers), length: length, batch: 1}, func(ctx context.Context, g, _ int) error {
		wait, use, err := client.Split(ctx)
		callers[g].waits, callers[g].uses = append(callers[g].waits, wait), append(callers[g].uses, use)
		return err
	})
	if err != nil {
		return nil, err
	}
	var waits, uses []time.Duration
	for _, c := range callers {
		waits, uses = append(waits, c.waits...), append(uses, c.uses...)
	}
	s[waitP50], s[waitP99] = percentile(waits, 0.5), percentile(waits, 0.99)
	s[useP50], s[useP99] = percentile(uses, 0.5), percentile(uses, 0.99)
	return s, nil
}

// percentile is in milliseconds.
func percentile(all []time.Duration, q float64) float64 {
	slices.Sort(all)
	return float64(all[min(int(q*float64(len(all))), len(all)-1)]) / float64(time.Millisecond)
}

func sharesSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, name := range []string{PlainPgx, PlainPgx2, Pgxpool, SqlpoolPgx, Loans} {
		line := []string{mark(name)}
		for _, m := range []measure{waitP50, waitP99, useP50, useP99} {
			f, ok := r.Find(sharesName, name, PlainPgx, m)
			if !ok {
				line = append(line, "–")
				continue
			}
			line = append(line, fmt.Sprintf("%.2f ms, %s", f.Own, r.times(sharesName, name, PlainPgx, m)))
		}
		lines = append(lines, line)
	}
	table(b, 1, []string{"contender", string(waitP50), string(waitP99), string(useP50), string(useP99)}, lines)
}
