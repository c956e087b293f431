package bench

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/puddle/v2"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func open(b *testing.B, cfg sqlpool.Config) (*sqlpool.Pool, *sql.DB) {
	b.Helper()
	p, err := sqlpool.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	b.Cleanup(func() { db.Close() })
	return p, db
}

func plain(b *testing.B, conns int) *sql.DB {
	db := sql.OpenDB(fakedb.Instant())
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	b.Cleanup(func() { db.Close() })
	return db
}

func noop(b *testing.B, db *sql.DB) func() {
	ctx := context.Background()
	return func() {
		if _, err := db.ExecContext(ctx, "noop"); err != nil {
			b.Error(err)
		}
	}
}

// A no-op Exec on a driver that answers at once: what remains is the pool.
func BenchmarkExecAgainstDatabaseSQL(b *testing.B) {
	for _, load := range []struct {
		name              string
		goroutines, conns int
	}{{"1", 1, 8}, {"64on8", 64, 8}} {
		b.Run(load.name, func(b *testing.B) {
			_, ours := open(b, sqlpool.Config{Connector: fakedb.Instant(), MaxConns: load.conns})
			theirs := plain(b, load.conns)
			compare(b, 200_000, spread(load.goroutines, noop(b, ours)), spread(load.goroutines, noop(b, theirs)))
		})
	}
}

// The same contender twice: how far from 1 noise alone gets.
func BenchmarkExecAgainstItself(b *testing.B) {
	one, two := plain(b, 8), plain(b, 8)
	compare(b, 200_000, spread(1, noop(b, one)), spread(1, noop(b, two)))
}

// Taking a connection from the *sql.DB and giving it back, on connections of
// pgx to a real server; nothing is sent.
func BenchmarkConnAgainstPgxpoolBehindDatabaseSQL(b *testing.B) {
	dsn := pgserver.Database(b)
	ctx := context.Background()
	connector, err := pgxv5.Connector(dsn)
	if err != nil {
		b.Fatal(err)
	}
	_, ours := open(b, sqlpool.Config{Connector: connector, MaxConns: 8})
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	theirs := stdlib.OpenDBFromPool(pool)
	defer theirs.Close()
	take := func(db *sql.DB) func() {
		return func() {
			conn, err := db.Conn(ctx)
			if err != nil {
				b.Error(err)
				return
			}
			conn.Close()
		}
	}
	compare(b, 100_000, spread(1, take(ours)), spread(1, take(theirs)))
}

// Acquire and release without package sql.
func BenchmarkAcquireAgainstPuddle(b *testing.B) {
	for _, load := range []struct {
		name              string
		goroutines, conns int
	}{{"1", 1, 8}, {"64on8", 64, 8}} {
		b.Run(load.name, func(b *testing.B) {
			ctx := context.Background()
			ours, _ := open(b, sqlpool.Config{Connector: fakedb.Instant(), MaxConns: load.conns})
			theirs, err := puddle.NewPool(&puddle.Config[int]{
				Constructor: func(context.Context) (int, error) { return 1, nil },
				Destructor:  func(int) {},
				MaxSize:     int32(load.conns),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer theirs.Close()
			compare(b, 200_000,
				spread(load.goroutines, func() {
					loan, err := ours.Acquire(ctx)
					if err != nil {
						b.Error(err)
						return
					}
					if err := loan.Release(); err != nil {
						b.Error(err)
					}
				}),
				spread(load.goroutines, func() {
					r, err := theirs.Acquire(ctx)
					if err != nil {
						b.Error(err)
						return
					}
					r.Release()
				}))
		})
	}
}
