package bench

import (
	"context"
)

// connName takes a connection from the pool and gives it back, on real
// connections of pgx: pgxpool has no other driver. Nothing is sent.
const connName = "Conn and Close"

func connAndClose(ctx context.Context, l *lab) (err error) {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	all, err := openAll(ctx, Setup{DSN: s.Socket().KeyValue("postgres"), Conns: 8},
		pick(PlainPgx, PlainPgx2, PgxpoolSQL, Pgxpool, SqlpoolPgx))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	var entrants []entrant
	for _, o := range all {
		entrants = append(entrants, entrant{o.Name, PgxpoolSQL, func(ctx context.Context) (sample, error) {
			return stretch(ctx, load{goroutines: 1, length: l.long(quickTurn), batch: 16},
				func(ctx context.Context, _, n int) error { return o.Do(ctx, Conn, n) })
		}})
	}
	l.expect(len(entrants) * quickRounds * l.Rounds)
	found, err := l.take(ctx, connName, quickRounds*l.Rounds, entrants)
	if err != nil {
		return err
	}
	l.compare(connName, found, entrants, true, perOp)
	return nil
}
