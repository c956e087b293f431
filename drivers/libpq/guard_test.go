package libpq

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// TestTransactionContextEndsAStatement: the context given to BeginTx ends what
// runs in the transaction, also on a server that does not answer.
func TestTransactionContextEndsAStatement(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	for _, paused := range []bool{false, true} {
		c := adapter(t, server.DSN("postgres"))
		ctx, cancel := context.WithCancel(context.Background())
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan error, 1)
		go func() {
			_, err := c.ExecContext(context.Background(), "SELECT pg_sleep(60)", nil)
			if err == nil {
				err = tx.Commit()
			}
			result <- err
		}()
		for n := 0; n == 0; {
			rows, err := server.Query(context.Background(), "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'")
			if err != nil {
				t.Fatal(err)
			}
			n = len(rows)
		}
		if paused {
			if err := server.Pause(); err != nil {
				t.Fatal(err)
			}
			defer server.Resume()
		}
		cancel()
		select {
		case err := <-result:
			if err == nil {
				t.Error("no error")
			}
			t.Log(err)
		case <-time.After(20 * time.Second):
			t.Fatal("the statement does not end")
		}
	}
}
