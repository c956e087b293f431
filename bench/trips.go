package bench

import (
	"context"
	"fmt"
)

// tripsName counts the round trips of an operation, which are what it costs on a
// server that is far away.
const tripsName = "round trips"

const trips measure = "round trips"

// tripOps are those whose round trips are counted. Unused is a transaction that is
// rolled back before it has done anything.
var tripOps = append(append([]Op{}, ServerOps...), Unused)

func tripsOf(op Op) string { return fmt.Sprintf("%s, %s", tripsName, op) }

func roundTrips(ctx context.Context, l *lab) (err error) {
	if err := l.tables(ctx); err != nil {
		return err
	}
	r, err := listen(address(l.server.TCP()), 0)
	if err != nil {
		return err
	}
	defer shut(&err, r)
	all, err := openAll(ctx, Setup{DSN: through(l.server.TCP(), r.Port()), Schema: schema, Conns: 1}, pick(tripContenders...))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	l.expect(len(all) * len(tripOps))
	const times = 20
	for _, o := range all {
		for _, op := range tripOps {
			var before int64
			for n := range 2 * times {
				if n == times { // what is prepared once is prepared
					before = r.trips.Load()
				}
				if err := o.Do(ctx, op, n); err != nil {
					return fmt.Errorf("%s, %s: %w", tripsOf(op), o.Name, err)
				}
			}
			l.add(Figure{Workload: tripsOf(op), Contender: o.Name, Measure: trips, Held: isOurs(o.Name)},
				[]float64{float64(r.trips.Load()-before) / times})
			l.step()
		}
	}
	return nil
}

var tripContenders = []string{PlainPgx, Pgxpool, SqlpoolPgx, PlainPq, SqlpoolPq, CachedPq}
