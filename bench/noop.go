package bench

import (
	"context"
	"database/sql"

	"github.com/sqlpool/go/sqlpool"
)

// instant is a contender behind database/sql on a driver that answers at once:
// what remains is the pool.
type instant struct {
	name string
	open func(conns int) (*sql.DB, error)
}

// The names of contenders on the instant driver.
const (
	instantPlain  = "database/sql"
	instantPlain2 = "database/sql, again"
	instantOurs   = "sqlpool"
	instantLeak   = "sqlpool, leak capture"
	instantHooks  = "sqlpool, standard hooks"
)

var instants = []instant{
	{instantPlain, openInstant},
	{instantPlain2, openInstant},
	{instantOurs, openInstantPool(noHooks)},
	{instantLeak, openInstantPool(leakCapture)},
	{instantHooks, openInstantPool(standardHooks)},
}

func openInstant(conns int) (*sql.DB, error) { return instantDB(conns), nil }

func openInstantPool(hooks func() []sqlpool.Hooks) func(conns int) (*sql.DB, error) {
	return func(conns int) (*sql.DB, error) {
		p, err := newInstantPool(conns, hooks)
		if err != nil {
			return nil, err
		}
		return sqlpool.OpenDB(p), nil
	}
}

func execOnce(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "noop")
	return err
}

func queryOnce(ctx context.Context, db *sql.DB) error {
	var got int
	return db.QueryRowContext(ctx, "one").Scan(&got)
}

// noop is Exec and Query through a *sql.DB.
func noop(ctx context.Context, l *lab) (err error) {
	calls := []struct {
		name string
		do   func(context.Context, *sql.DB) error
	}{{"no-op Exec", execOnce}, {"no-op Query", queryOnce}}
	crowds := []crowd{{1, 8}, {64, 8}}
	l.expect(len(calls) * len(crowds) * len(instants) * quickRounds * l.Rounds)
	for _, call := range calls {
		for _, c := range crowds {
			var entrants []entrant
			for _, in := range instants {
				db, failed := in.open(c.conns)
				if failed != nil {
					return failed
				}
				defer shut(&err, db)
				entrants = append(entrants, entrant{in.name, instantPlain, func(ctx context.Context) (sample, error) {
					return stretch(ctx, load{goroutines: c.goroutines, length: l.long(quickTurn), batch: 16},
						func(ctx context.Context, _, _ int) error { return call.do(ctx, db) })
				}})
			}
			workload := call.name + ", " + c.String()
			found, err := l.take(ctx, workload, quickRounds*l.Rounds, entrants)
			if err != nil {
				return err
			}
			l.compare(workload, found, entrants, true, perOp)
		}
	}
	return nil
}
