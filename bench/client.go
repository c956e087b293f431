package bench

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Client is a contender that has been opened. Do does an operation once; n
// spreads the work over the rows. It is called from many goroutines.
type Client interface {
	Do(ctx context.Context, op Op, n int) error
	Close() error // ends it
}

// sqlClient is a contender behind database/sql.
type sqlClient struct {
	*sql.DB
	texts
	stmt *sql.Stmt
	also func() error // closes what the *sql.DB does not; nil if there is nothing
}

func newSQLClient(ctx context.Context, db *sql.DB, s Setup) (*sqlClient, error) {
	c := &sqlClient{DB: db, texts: textsOf(s.Schema)}
	if s.Cold {
		return c, nil
	}
	stmt, err := db.PrepareContext(ctx, argText)
	if err != nil {
		return nil, joined(err, db.Close())
	}
	c.stmt = stmt
	return c, nil
}

// Close implements Client.
func (c *sqlClient) Close() error {
	err := c.DB.Close()
	if c.also != nil {
		err = joined(err, c.also())
	}
	return err
}

// Do implements Client.
func (c *sqlClient) Do(ctx context.Context, op Op, n int) (err error) {
	var got int
	switch op {
	case Select:
		return c.QueryRowContext(ctx, selectText).Scan(&got)
	case Argument:
		return c.QueryRowContext(ctx, argText, n%rows).Scan(&got)
	case Stmt:
		return c.stmt.QueryRowContext(ctx, n%rows).Scan(&got)
	case Read:
		return c.QueryRowContext(ctx, c.read, n%rows).Scan(&got)
	case Tx1, Tx3, Unused:
		return c.transact(ctx, op, n%rows)
	case Insert:
		_, err = c.ExecContext(ctx, c.insert, n%rows, 1)
	case Exec:
		_, err = c.ExecContext(ctx, selectText)
	case Sleep:
		_, err = c.ExecContext(ctx, "SELECT pg_sleep(0.002)")
	case Bigger:
		_, err = c.ExecContext(ctx, "SELECT pg_sleep(0.005)")
	case Conn:
		var conn *sql.Conn
		if conn, err = c.Conn(ctx); err == nil {
			err = conn.Close()
		}
	default:
		err = fmt.Errorf("no client does %q", op)
	}
	return err
}

func (c *sqlClient) transact(ctx context.Context, op Op, id int) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if op == Unused {
		return tx.Rollback()
	}
	if op == Tx3 {
		var balance int
		if err := tx.QueryRowContext(ctx, c.read, id).Scan(&balance); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, c.update, 1, id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, c.insert, id, 1); err != nil {
		return err
	}
	return tx.Commit()
}

// Split implements splitter.
func (c *sqlClient) Split(ctx context.Context) (wait, use time.Duration, err error) {
	begun := time.Now()
	conn, err := c.Conn(ctx)
	if err != nil {
		return 0, 0, err
	}
	wait = time.Since(begun)
	var got int
	err = conn.QueryRowContext(ctx, selectText).Scan(&got)
	use = time.Since(begun) - wait
	return wait, use, joined(err, conn.Close())
}
