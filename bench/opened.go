package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
)

// schema is where the run's tables are.
const schema = "bench"

// opened is a contender at work.
type opened struct {
	Contender
	Client
}

// openAll opens contenders; the caller closes them also when there is an error.
func openAll(ctx context.Context, setup Setup, contenders []Contender) (all []opened, err error) {
	for _, c := range contenders {
		client, err := c.Open(ctx, setup)
		if err != nil {
			return all, fmt.Errorf("%s: %w", c.Name, err)
		}
		all = append(all, opened{c, client})
	}
	return all, nil
}

func closeAll(all []opened) error {
	var errs []error
	for _, o := range all {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}

// tables makes the run's tables once.
func (l *lab) tables(ctx context.Context) (err error) {
	if l.hasTables {
		return nil
	}
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", s.Socket().KeyValue("postgres"))
	if err != nil {
		return err
	}
	defer shut(&err, db)
	if err := CreateTables(ctx, db, schema); err != nil {
		return err
	}
	l.hasTables = true
	return nil
}

var _ = stdlib.GetDefaultDriver // registers "pgx" with database/sql
