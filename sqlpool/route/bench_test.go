package route_test

import (
	"context"
	"database/sql"
	"sync/atomic"
	"testing"

	"github.com/sqlpool/go/sqlpool/route"
)

// Four of five transactions are read-only, and reads keep a processor busy for some milliseconds: what replicas are for. On a
// machine whose processors all servers share there is nothing to gain; what it shows there is what the way costs.
func BenchmarkMostlyReads(b *testing.B) {
	const read, write = "SELECT sum(sqrt(i)) FROM generate_series(1, 20000) AS i", "UPDATE bench SET n = n + 1 WHERE id = $1"
	c := sharedCluster(b)
	ctx := context.Background()
	if err := c.primary.Exec(ctx, "CREATE TABLE IF NOT EXISTS bench (id int PRIMARY KEY, n bigint); "+
		"INSERT INTO bench SELECT id, 0 FROM generate_series(1, 1000) AS id ON CONFLICT DO NOTHING"); err != nil {
		b.Fatal(err)
	}
	for name := range connectors {
		b.Run(name, func(b *testing.B) {
			dsns := []string{c.primary.DSN("postgres")}
			for range 2 {
				servers := map[int]string{1: "one server", 3: "with two replicas"}[len(dsns)]
				b.Run(servers, func(b *testing.B) {
					l := c.openOn(b, name, route.Config{}, nil, dsns...)
					if len(dsns) > 1 {
						l.awaitFit(b, true, true)
					}
					var turns atomic.Int64
					b.SetParallelism(8)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							turn := turns.Add(1)
							if err := benchTurn(ctx, l.DB, turn, read, write); err != nil {
								b.Error(err)
								return
							}
						}
					})
				})
				dsns = append(dsns, c.replicas[0].DSN("postgres"), c.replicas[1].DSN("postgres"))
			}
		})
	}
}

func benchTurn(ctx context.Context, db *sql.DB, turn int64, read, write string) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: turn%5 > 0})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if turn%5 == 0 {
		_, err = tx.ExecContext(ctx, write, 1+turn%1000)
	} else {
		var sum float64
		err = tx.QueryRowContext(ctx, read).Scan(&sum)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}
