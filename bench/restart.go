package bench

import (
	"context"

	"github.com/sqlpool/go/internal/pgserver"
)

const (
	restartName = "restart with 10 idle connections"

	failures measure = "errors in the next 50 queries"
)

// restart restarts the server under idle connections. A pool that lends them
// without a check passes the loss on to its callers.
func restart(ctx context.Context, l *lab) error {
	if err := l.tables(ctx); err != nil {
		return err
	}
	s := l.server
	all, err := openAll(ctx, Setup{DSN: s.TCP().KeyValue("postgres"), Schema: schema, Conns: 10},
		pick(PlainPgx, PgxpoolSQL, Pgxpool, SqlpoolPgx, PlainPq, SqlpoolPq))
	defer func() { _ = closeAll(all) }() // some say goodbye on connections that the server has forgotten
	if err != nil {
		return err
	}
	rounds := l.less(3, 1)
	l.expect(rounds)
	found := turns{}
	for range rounds {
		for _, o := range all {
			if _, _, err := together(10, func(i int) error { return o.Do(ctx, Sleep, i) }); err != nil {
				return err
			}
		}
		if err := s.Restart(ctx, pgserver.Immediate); err != nil {
			return err
		}
		for _, o := range all {
			failed := 0
			for i := range 50 {
				if o.Do(ctx, Insert, i) != nil {
					failed++
				}
			}
			found[o.Name] = append(found[o.Name], sample{failures: float64(failed)})
		}
		l.step()
	}
	var entrants []entrant
	for _, o := range all {
		entrants = append(entrants, entrant{name: o.Name})
	}
	l.count(restartName, found, entrants, true, failures)
	return nil
}
