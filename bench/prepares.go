package bench

import (
	"context"
	"errors"
	"strings"

	"github.com/sqlpool/go/internal/pgserver"
)

const (
	preparesName = "prepares of a *sql.Stmt, 500 executions on 10 connections"

	prepared measure = "prepared"
)

// prepares are counted in the server's log.
func prepares(ctx context.Context, l *lab) error {
	const database = "bench_prepares"
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(s.Exec(ctx, "CREATE DATABASE "+database), s.LogStatements(ctx, database)); err != nil {
		return err
	}
	var entrants []entrant
	for i, c := range pick(PlainPgx, PgxpoolSQL, SqlpoolPgx, PlainPq, SqlpoolPq) {
		application := "bench_prepares_" + string(rune('a'+i))
		entrants = append(entrants, entrant{c.Name, nobodyElse, func(ctx context.Context) (sample, error) {
			client, err := c.Open(ctx, Setup{DSN: s.Socket().With("application_name", application).KeyValue(database), Conns: 10})
			if err != nil {
				return nil, err
			}
			mark, err := s.Mark(ctx)
			if err != nil {
				return nil, joined(err, client.Close())
			}
			_, _, err = together(10, func(int) error {
				for n := range 50 {
					if err := client.Do(ctx, Stmt, n); err != nil {
						return err
					}
				}
				return nil
			})
			if err := joined(err, client.Close()); err != nil {
				return nil, err
			}
			return countPrepares(ctx, s, mark, application)
		}})
	}
	found, err := l.take(ctx, preparesName, 1, entrants)
	if err != nil {
		return err
	}
	// By chance one of the ten connections stays unused.
	l.count(preparesName, found, entrants, false, prepared)
	return nil
}

func countPrepares(ctx context.Context, s *pgserver.Server, since pgserver.Mark, application string) (sample, error) {
	all, err := s.Prepares(ctx, since, pgserver.Filter{Application: application})
	if err != nil {
		return nil, err
	}
	n := 0
	for _, p := range all {
		if strings.Contains(p.SQL, "$1") {
			n++
		}
	}
	return sample{prepared: float64(n)}, nil
}
