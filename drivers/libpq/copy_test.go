package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestCopyIn(t *testing.T) {
	db := open(t, pgserver.Database(t))
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(context.Background(), "CREATE TEMP TABLE c (a int, b text)"); err != nil {
		t.Fatal(err)
	}
	tx, err := conn.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	stmt, err := tx.Prepare(pq.CopyIn("c", "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		if _, err := stmt.Exec(i, "row"); err != nil {
			t.Fatal(err)
		}
	}
	res, err := stmt.Exec()
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 5000 {
		t.Errorf("%d rows copied, want 5000", n)
	}
	if err := conn.Raw(func(c any) error {
		if c.(interface{ Running() bool }).Running() {
			t.Error("the server owes an answer when the COPY has ended")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := stmt.Close(); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}

	err = conn.Raw(func(c any) error {
		c.(driver.ExecerContext).ExecContext(context.Background(), "BEGIN", nil)
		stmt, err := c.(driver.ConnPrepareContext).PrepareContext(context.Background(), pq.CopyIn("c", "a", "b"))
		if err != nil {
			return err
		}
		if status := c.(interface{ TxStatus() byte }).TxStatus(); status != 'T' {
			t.Errorf("status during COPY: %q", status)
		}
		if _, err := stmt.(pqCopyIn).CopyData(context.Background(), "1\tx\n2\ty"); err != nil {
			return err
		}
		if err := stmt.Close(); err != nil {
			return err
		}
		_, err = c.(driver.ExecerContext).ExecContext(context.Background(), "COMMIT", nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRowContext(context.Background(), "SELECT count(*) FROM c").Scan(&n); err != nil || n != 5002 {
		t.Errorf("%d rows, %v; want 5002", n, err)
	}
}

// TestCopyEndsWithItsContext: the server is stopped while a COPY is open.
func TestCopyEndsWithItsContext(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	c := adapter(t, server.DSN("postgres"))
	if _, err := c.ExecContext(context.Background(), "CREATE TEMP TABLE c (a int)", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.BeginTx(context.Background(), driver.TxOptions{}); err != nil {
		t.Fatal(err)
	}
	stmt, err := c.Prepare(pq.CopyIn("c", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer server.Resume()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
		result <- err
	}()
	select {
	case err := <-result:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the deadline's error", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the end of COPY ignores its context")
	}
}
