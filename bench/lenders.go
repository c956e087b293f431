package bench

import (
	"context"
	"database/sql"

	"github.com/jackc/puddle/v2"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// Lender is a bare pool: no statement, no server. Lend acquires, calls hold
// unless it is nil, and releases.
type Lender interface {
	Lend(ctx context.Context, hold func()) error
	Close() error // ends it
}

// bare is a Lender that takes part.
type bare struct {
	name, against string
	open          func(conns int) (Lender, error)
}

// The bare pools' names.
const (
	bareSqlpool  = "sqlpool"
	bareDB       = "sqlpool behind database/sql"
	bareSQL      = "database/sql"
	barePuddle   = "puddle"
	barePuddle2  = "puddle, again"
	bareChannel  = "channel"
	nobodyElse   = "" // the ratio is within one contender
	bareLeakName = "sqlpool, leak capture"
)

var bares = []bare{
	{barePuddle, barePuddle, openPuddle},
	{barePuddle2, barePuddle, openPuddle},
	{bareChannel, barePuddle, openChannel},
	{bareSQL, barePuddle, func(conns int) (Lender, error) { return sqlLender{instantDB(conns)}, nil }},
	{bareSqlpool, barePuddle, openSqlpool(noHooks)},
	{bareLeakName, barePuddle, openSqlpool(leakCapture)},
	{bareDB, barePuddle, func(conns int) (Lender, error) {
		p, err := newInstantPool(conns, noHooks)
		if err != nil {
			return nil, err
		}
		return sqlLender{sqlpool.OpenDB(p)}, nil
	}},
}

// instantDB is database/sql's own pool over a driver that answers at once.
func instantDB(conns int) *sql.DB {
	db := sql.OpenDB(fakedb.Instant())
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

func newInstantPool(conns int, hooks func() []sqlpool.Hooks) (*sqlpool.Pool, error) {
	return sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), MaxConns: conns, Hooks: hooks()})
}

type sqlpoolLender struct{ *sqlpool.Pool }

func openSqlpool(hooks func() []sqlpool.Hooks) func(conns int) (Lender, error) {
	return func(conns int) (Lender, error) {
		p, err := newInstantPool(conns, hooks)
		return sqlpoolLender{p}, err
	}
}

// Lend implements Lender.
func (l sqlpoolLender) Lend(ctx context.Context, hold func()) error {
	loan, err := l.Acquire(ctx)
	if err != nil {
		return err
	}
	if hold != nil {
		hold()
	}
	return loan.Release()
}

type sqlLender struct{ *sql.DB }

// Lend implements Lender.
func (l sqlLender) Lend(ctx context.Context, hold func()) error {
	conn, err := l.Conn(ctx)
	if err != nil {
		return err
	}
	if hold != nil {
		hold()
	}
	return conn.Close()
}

type puddleLender struct{ *puddle.Pool[int] }

func openPuddle(conns int) (Lender, error) {
	p, err := puddle.NewPool(&puddle.Config[int]{
		Constructor: func(context.Context) (int, error) { return 1, nil },
		Destructor:  func(int) {},
		MaxSize:     int32(conns),
	})
	return puddleLender{p}, err
}

// Lend implements Lender.
func (l puddleLender) Lend(ctx context.Context, hold func()) error {
	r, err := l.Acquire(ctx)
	if err != nil {
		return err
	}
	if hold != nil {
		hold()
	}
	r.Release()
	return nil
}

// Close implements Lender.
func (l puddleLender) Close() error {
	l.Pool.Close()
	return nil
}

// channelLender is the least that a pool can be, and the floor for the others.
type channelLender chan int

func openChannel(conns int) (Lender, error) {
	c := make(channelLender, conns)
	for i := range conns {
		c <- i
	}
	return c, nil
}

// Lend implements Lender.
func (c channelLender) Lend(ctx context.Context, hold func()) error {
	select {
	case i := <-c:
		if hold != nil {
			hold()
		}
		c <- i
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements Lender.
func (c channelLender) Close() error { return nil }
