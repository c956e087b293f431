package libpq

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/internal/pgserver"
)

// TestALateCancelHitsNobodyElse: lib/pq goes on with a connection on which a
// prepared statement was cancelled, also when the request is still on its way.
func TestALateCancelHitsNobodyElse(t *testing.T) {
	dsn := pgserver.Database(t)
	network := contract.NewLateNetwork()
	db := open(t, dsn, WithDialer(network))
	db.SetMaxOpenConns(1)
	stmt, err := db.Prepare("SELECT pg_advisory_lock($1)")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	contract.LateCancel(t, network, adapter(t, dsn), func(ctx context.Context, lock int) error {
		_, err := stmt.ExecContext(ctx, lock)
		return err
	})
}

// TestNothingIsSentBeforeACancelHasArrived: not by the same borrower either, in
// whose transaction the request would hit the next statement.
func TestNothingIsSentBeforeACancelHasArrived(t *testing.T) {
	dsn := pgserver.Database(t)
	network := contract.NewLateNetwork()
	c := adapter(t, dsn, WithDialer(network))
	if _, err := c.BeginTx(context.Background(), driver.TxOptions{}); err != nil {
		t.Fatal(err)
	}
	stmt, err := c.Prepare("SELECT pg_advisory_lock($1)")
	if err != nil {
		t.Fatal(err)
	}
	contract.CancelTooLate(t, network, adapter(t, dsn), func(ctx context.Context, lock int) error {
		arg := []driver.NamedValue{{Ordinal: 1, Value: int64(lock)}}
		_, err := stmt.(driver.StmtExecContext).ExecContext(ctx, arg)
		return err
	})
	if err := c.LastError(); err != nil {
		t.Errorf("%v: nothing is wrong with the server", err)
	}
	sent := c.Sent()
	if _, err := c.ExecContext(context.Background(), "SELECT 1", nil); err != driver.ErrBadConn {
		t.Errorf("the next statement: %v, want ErrBadConn", err)
	}
	if err := c.ResetSession(context.Background()); err != driver.ErrBadConn {
		t.Errorf("reset: %v, want ErrBadConn", err)
	}
	if c.IsValid() || c.Alive() == nil || c.TxStatus() != 0 {
		t.Errorf("valid: %v, alive: %v, transaction status %q", c.IsValid(), c.Alive(), c.TxStatus())
	}
	if n := c.Sent() - sent; n != 0 {
		t.Errorf("%d bytes sent", n)
	}
	network.Deliver()
	<-network.Delivered
}
