package bench

import (
	"context"
	"time"
)

const (
	startStopName = "start and stop"

	opening measure = "start" // ms, from nothing to two connections that have answered
	closing measure = "stop"  // ms, from two idle connections to nothing
)

// startAndStop is what a program waits for when it begins and when it ends. The
// pool waits at the end until the server's side is gone; others hang up.
func startAndStop(ctx context.Context, l *lab) error {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	var entrants []entrant
	for _, c := range pick(PlainPgx, PlainPgx2, PgxpoolSQL, Pgxpool, SqlpoolPgx, BarePgx, PlainPq, SqlpoolPq) {
		entrants = append(entrants, entrant{c.Name, c.Against, func(ctx context.Context) (sample, error) {
			begun := time.Now()
			client, err := c.Open(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: 10, MinIdle: 2, Cold: true})
			if err != nil {
				return nil, err
			}
			_, _, err = together(2, func(i int) error { return client.Do(ctx, Sleep, i) })
			took := time.Since(begun)
			if err != nil {
				return nil, joined(err, client.Close())
			}
			begun = time.Now()
			err = client.Close()
			return sample{opening: milliseconds(took), closing: milliseconds(time.Since(begun))}, err
		}})
	}
	rounds := l.Rounds * l.less(3, 1) // a start is short
	l.expect(len(entrants) * rounds)
	found, err := l.take(ctx, startStopName, rounds, entrants)
	if err != nil {
		return err
	}
	l.compare(startStopName, found, entrants, true, opening, closing)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
