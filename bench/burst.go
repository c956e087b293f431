package bench

import (
	"context"
	"slices"
	"time"
)

const (
	burstName = "burst, 200 on an empty pool of 50"

	dials       measure = "connections dialed"
	dialsAtOnce measure = "dials at once"
	served      measure = "all served" // ms
)

// burst is many callers at once on a pool that has no connection yet.
func burst(ctx context.Context, l *lab) error {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	var entrants []entrant
	for _, c := range pick(PlainPgx, PlainPgx2, PgxpoolSQL, Pgxpool, SqlpoolPgx, PlainPq, SqlpoolPq) {
		entrants = append(entrants, entrant{c.Name, c.Against, func(ctx context.Context) (sample, error) {
			var counted dialCount
			client, err := c.Open(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: 50, Cold: true, Dial: counted.dial})
			if err != nil {
				return nil, err
			}
			took, all, err := together(200, func(i int) error { return client.Do(ctx, Select, i) })
			total, _, atOnce := counted.read()
			if err := joined(err, client.Close()); err != nil {
				return nil, err
			}
			slices.Sort(took)
			return sample{
				dials: float64(total), dialsAtOnce: float64(atOnce), served: milliseconds(all),
				p50: milliseconds(took[len(took)/2]),
			}, nil
		}})
	}
	rounds := l.Rounds * l.less(2, 1)
	l.expect(len(entrants) * rounds)
	found, err := l.take(ctx, burstName, rounds, entrants)
	if err != nil {
		return err
	}
	l.count(burstName, found, entrants, true, dialsAtOnce)
	l.count(burstName, found, entrants, false, dials) // by chance a connection more or less
	l.compare(burstName, found, entrants, true, served, p50)
	return nil
}

const (
	spikeName = "spike, 50 callers on 5 connections"

	dialedForIt measure = "connections dialed for it"
)

// spike is the case that HikariCP's makers describe ("Welcome to the Jungle"):
// fifty callers come at once to a pool that keeps five connections and could
// have fifty, a dial takes 150 ms and a query 2 ms. A pool that dials for each
// caller has the connections when no caller needs them any more.
func spike(ctx context.Context, l *lab) error {
	const kept, most, callers = 5, 50, 50
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	var entrants []entrant
	for _, c := range pick(PlainPgx, PgxpoolSQL, Pgxpool, SqlpoolPgx, SqlpoolPq) {
		entrants = append(entrants, entrant{c.Name, PlainPgx, func(ctx context.Context) (_ sample, err error) {
			var counted dialCount
			slow := func() func() {
				done := counted.dial()
				time.Sleep(150 * time.Millisecond) // also when short: it is the length against the query's that counts
				return done
			}
			client, err := c.Open(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: most, MinIdle: kept, Cold: true, Dial: slow})
			if err != nil {
				return nil, err
			}
			defer shut(&err, client)
			if err := fill(ctx, client, &counted, kept); err != nil {
				return nil, err
			}
			before, _, _ := counted.read()
			_, all, err := together(callers, func(i int) error { return client.Do(ctx, Sleep, i) })
			total, _, _ := counted.read()
			return sample{dialedForIt: float64(total - before), served: milliseconds(all)}, err
		}})
	}
	l.expect(len(entrants) * l.Rounds)
	found, err := l.take(ctx, spikeName, l.Rounds, entrants)
	if err != nil {
		return err
	}
	l.count(spikeName, found, entrants, true, dialedForIt)
	l.compare(spikeName, found, entrants, true, served)
	return nil
}

// fill brings a pool to so many idle connections.
func fill(ctx context.Context, client Client, counted *dialCount, n int) error {
	if _, _, err := together(n, func(i int) error { return client.Do(ctx, Sleep, i) }); err != nil {
		return err
	}
	for { // dials without a waiting caller
		if _, now, _ := counted.read(); now == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}
