package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pgxClient is pgxpool without package sql.
type pgxClient struct {
	*pgxpool.Pool
	texts
}

// Close implements Client.
func (c pgxClient) Close() error {
	c.Pool.Close()
	return nil
}

// Do implements Client.
func (c pgxClient) Do(ctx context.Context, op Op, n int) (err error) {
	var got int
	switch op {
	case Select:
		return c.QueryRow(ctx, selectText).Scan(&got)
	case Argument, Stmt: // pgx prepares by itself what it sees again
		return c.QueryRow(ctx, argText, n%rows).Scan(&got)
	case Read:
		return c.QueryRow(ctx, c.read, n%rows).Scan(&got)
	case Tx:
		return c.transact(ctx, n%rows)
	case Insert:
		_, err = c.Exec(ctx, c.insert, n%rows, 1)
	case Exec:
		_, err = c.Exec(ctx, selectText)
	case Sleep:
		_, err = c.Exec(ctx, "SELECT pg_sleep(0.002)")
	case Bigger:
		_, err = c.Exec(ctx, "SELECT pg_sleep(0.005)")
	case Conn:
		var conn *pgxpool.Conn
		if conn, err = c.Acquire(ctx); err == nil {
			conn.Release()
		}
	default:
		err = fmt.Errorf("no client does %q", op)
	}
	return err
}

func (c pgxClient) transact(ctx context.Context, id int) error {
	return pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		var balance int
		if err := tx.QueryRow(ctx, c.read, id).Scan(&balance); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, c.update, 1, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, c.insert, id, 1)
		return err
	})
}

// Split implements splitter.
func (c pgxClient) Split(ctx context.Context) (wait, use time.Duration, err error) {
	begun := time.Now()
	conn, err := c.Acquire(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Release()
	wait = time.Since(begun)
	var got int
	err = conn.QueryRow(ctx, selectText).Scan(&got)
	return wait, time.Since(begun) - wait, err
}
