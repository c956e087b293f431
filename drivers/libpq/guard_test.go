package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/drivers/internal/wire"
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

// TestACancelThatTheServerAnsweredHarmsNoOtherCall: a prepared statement that is
// cancelled leaves its connection in use, and what was set in motion against a
// silent server must not meet the next call, neither one that begins before the
// grace is over nor one that begins after.
func TestACancelThatTheServerAnsweredHarmsNoOtherCall(t *testing.T) {
	dsn := pgserver.Shared(t).DSN("postgres")
	far := WithDialer(contract.NewLateNetwork()) // where a busy machine, too, answers within the grace
	other := adapter(t, dsn)
	longer := func(c *conn) { // than the grace
		t.Helper()
		if _, err := c.ExecContext(context.Background(), "SELECT pg_sleep(0.3)", nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, pause := range []func(){func() {}, func() { longer(other) }} {
		c := cancelAnswered(t, dsn, far)
		pause()
		longer(c)
		if !c.IsValid() {
			t.Error("the connection is lost")
		}
	}
}

// cancelAnswered returns a connection on which the server has answered a cancel request. A busy
// machine may take longer for that than the grace: such a connection is cut, and another one
// takes its place.
func cancelAnswered(t *testing.T, dsn string, opts ...Option) *conn {
	t.Helper()
	for start := time.Now(); ; {
		c := adapter(t, dsn, opts...)
		stmt, err := c.Prepare("SELECT pg_sleep(60)")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, err = stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
		cancel()
		var answer *pq.Error
		if errors.As(err, &answer) && answer.SQLState() == "57014" {
			return c
		}
		var cut *wire.Interrupted
		if !errors.As(err, &cut) || c.IsValid() || time.Since(start) > time.Minute {
			t.Fatalf("%v, want the server's own answer to the cancel request", err)
		}
	}
}

// TestALateWatcherHarmsNoOtherCall: on a busy machine the function that a context's
// end starts may run when its call is over and another one is on.
func TestALateWatcherHarmsNoOtherCall(t *testing.T) {
	c := adapter(t, pgserver.Shared(t).DSN("postgres"))
	ctx, cancel := context.WithCancel(context.Background())
	c.guard.begin(ctx, false, false)
	stop := c.guard.watch(ctx)
	c.guard.mu.Lock()
	cancel() // the function has been started, and has not come far
	released := make(chan struct{})
	go func() {
		defer close(released)
		stop()
		c.guard.begin(context.Background(), false, false) // another call, which takes longer than the grace
	}()
	c.guard.mu.Unlock()
	<-released
	if _, err := c.ExecContext(context.Background(), "SELECT pg_sleep(0.3)", nil); err != nil {
		t.Errorf("another call: %v", err)
	}
}

// TestEveryWayOutOfATransactionEndsItsWatcher: lib/pq watches the context of BeginTx
// in a goroutine, and breaks the connection when that ends before Commit or Rollback.
func TestEveryWayOutOfATransactionEndsItsWatcher(t *testing.T) {
	dsn := pgserver.Shared(t).DSN("postgres")
	for name, end := range map[string]func(*conn, driver.Tx) error{
		"commit":   func(_ *conn, tx driver.Tx) error { return tx.Commit() },
		"rollback": func(_ *conn, tx driver.Tx) error { return tx.Rollback() },
		"not fit": func(c *conn, tx driver.Tx) error {
			c.broken = true
			if err := tx.Rollback(); err != driver.ErrBadConn {
				return err
			}
			return nil
		},
	} {
		c := adapter(t, dsn)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := end(c, tx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		asked := c.wire.Asked()
		cancel()
		if _, err := adapter(t, dsn).ExecContext(context.Background(), "SELECT pg_sleep(0.1)", nil); err != nil {
			t.Fatal(err)
		}
		if c.wire.Asked() != asked || name != "not fit" && !c.IsValid() {
			t.Errorf("%s: the end of BeginTx's context reached the connection afterwards", name)
		}
	}
}
