package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

const (
	cancelledTxName  = "20 idle transactions cancelled"
	cancelledOpsName = "cancelled queries, 16 on 4"

	backends measure = "backends at once"          // by chance fewer than are allowed
	excess   measure = "backends beyond the limit" // this one is held
)

// cancels is what contexts cost that end: connections dialed anew after idle
// transactions, backends beyond the limit after queries.
func cancels(ctx context.Context, l *lab) error {
	s, err := l.postgres(ctx)
	if err != nil {
		return err
	}
	contenders := pick(PlainPgx, PgxpoolSQL, SqlpoolPgx, PlainPq, SqlpoolPq)
	var idle, busy []entrant
	for i, c := range contenders {
		application := "bench_cancels_" + string(rune('a'+i))
		setup := Setup{DSN: s.Socket().With("application_name", application).KeyValue("postgres"), Cold: true}
		idle = append(idle, entrant{c.Name, nobodyElse, func(ctx context.Context) (sample, error) {
			return cancelTransactions(ctx, c, setup)
		}})
		busy = append(busy, entrant{c.Name, nobodyElse, func(ctx context.Context) (sample, error) {
			return cancelQueries(ctx, s, c, setup, application, l.less(40, 5))
		}})
	}
	l.expect(2 * len(contenders))
	found, err := l.take(ctx, cancelledTxName, 1, idle)
	if err != nil {
		return err
	}
	l.count(cancelledTxName, found, idle, true, dials)
	if found, err = l.take(ctx, cancelledOpsName, 1, busy); err != nil {
		return err
	}
	l.count(cancelledOpsName, found, busy, false, backends)
	l.count(cancelledOpsName, found, busy, true, excess)
	return nil
}

func cancelTransactions(ctx context.Context, c Contender, setup Setup) (s sample, err error) {
	var counted dialCount
	setup.Conns, setup.Dial = 1, counted.dial
	client, err := c.Open(ctx, setup)
	if err != nil {
		return nil, err
	}
	defer func() { err = joined(err, client.Close()) }()
	db := client.(*sqlClient).DB
	for range 20 {
		if err := cancelTransaction(ctx, db); err != nil {
			return nil, err
		}
	}
	total, _, _ := counted.read()
	return sample{dials: float64(total)}, nil
}

func cancelTransaction(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, selectText); err != nil {
		return err
	}
	cancel()
	_ = tx.Rollback() // database/sql is rolling back by itself; this waits for it, and tells what the context did
	return nil
}

func cancelQueries(ctx context.Context, s *pgserver.Server, c Contender, setup Setup, application string, each int) (sample, error) {
	setup.Conns = 4
	mark, err := s.Mark(ctx)
	if err != nil {
		return nil, err
	}
	client, err := c.Open(ctx, setup)
	if err != nil {
		return nil, err
	}
	_, _, err = together(16, func(i int) error {
		for n := range each {
			short, cancel := context.WithTimeout(ctx, time.Duration(1+(i+n)%7)*time.Millisecond)
			_ = client.Do(short, Bigger, n) // most of them fail, as they should
			cancel()
		}
		return nil
	})
	if err := joined(err, client.Close()); err != nil {
		return nil, err
	}
	peak, err := s.PeakBackends(ctx, mark, pgserver.Filter{Application: application})
	if err == nil && peak == 0 {
		err = fmt.Errorf("no backend called %s in the log", application)
	}
	return sample{backends: float64(peak), excess: float64(max(0, peak-setup.Conns))}, err
}

// shut closes something at the end of a function that returns *err.
func shut(err *error, c io.Closer) { *err = joined(*err, c.Close()) }

// joined is errors.Join without a wrapper around one error.
func joined(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return errors.Join(first, second)
}
