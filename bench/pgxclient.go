package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// pgxClient is pgxpool without database/sql.
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
func (c pgxClient) Do(ctx context.Context, op Op, n int) error {
	if op != Conn {
		return c.on(ctx, c.Pool, op, n)
	}
	conn, err := c.Acquire(ctx)
	if err == nil {
		conn.Release()
	}
	return err
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
	err = c.on(ctx, conn, Select, 0)
	return wait, time.Since(begun) - wait, err
}

// loanClient is sqlpool without database/sql: the loan of a *pgx.Conn.
type loanClient struct {
	*sqlpool.Pool
	texts
}

// Close implements Client.
func (c loanClient) Close() error { return c.Shutdown(context.Background()) }

// Do implements Client.
func (c loanClient) Do(ctx context.Context, op Op, n int) error {
	loan, err := c.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = loan.Release() }()
	if op == Conn {
		return nil
	}
	return c.on(ctx, borrowed(loan), op, n)
}

// Split implements splitter.
func (c loanClient) Split(ctx context.Context) (wait, use time.Duration, err error) {
	begun := time.Now()
	loan, err := c.Acquire(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = loan.Release() }()
	wait = time.Since(begun)
	err = c.on(ctx, borrowed(loan), Select, 0)
	return wait, time.Since(begun) - wait, err
}

func borrowed(loan sqlpool.Loan) *pgx.Conn {
	conn, _ := pgxv5.Unwrap(loan.Conn().Raw())
	return conn
}

// pgxQuerier is what pgx's pool and connections have in common.
type pgxQuerier interface {
	Begin(context.Context) (pgx.Tx, error)
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// on does an operation.
func (t texts) on(ctx context.Context, q pgxQuerier, op Op, n int) (err error) {
	var got int
	switch op {
	case Select:
		return q.QueryRow(ctx, selectText).Scan(&got)
	case Argument, Stmt: // pgx prepares by itself what it sees again
		return q.QueryRow(ctx, argText, n%rows).Scan(&got)
	case Read:
		return q.QueryRow(ctx, t.read, n%rows).Scan(&got)
	case Tx1, Tx3, Unused:
		return t.transact(ctx, q, op, n%rows)
	case Insert:
		_, err = q.Exec(ctx, t.insert, n%rows, 1)
	case Exec:
		_, err = q.Exec(ctx, selectText)
	case Sleep:
		_, err = q.Exec(ctx, "SELECT pg_sleep(0.002)")
	case Bigger:
		_, err = q.Exec(ctx, "SELECT pg_sleep(0.005)")
	default:
		err = fmt.Errorf("no client does %q", op)
	}
	return err
}

func (t texts) transact(ctx context.Context, q pgxQuerier, op Op, id int) error {
	return pgx.BeginFunc(ctx, q, func(tx pgx.Tx) error {
		if op == Unused {
			return nil
		}
		if op == Tx3 {
			var balance int
			if err := tx.QueryRow(ctx, t.read, id).Scan(&balance); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, t.update, 1, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, t.insert, id, 1)
		return err
	})
}
