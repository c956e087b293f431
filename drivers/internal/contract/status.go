package contract

import (
	"context"
	"database/sql/driver"
	"testing"
)

func (s *suite) testTxStatus(t *testing.T) {
	c := s.connect(t)
	expect := func(when string, want byte) {
		t.Helper()
		sent := c.Sent()
		if got := c.TxStatus(); got != want {
			t.Errorf("%s: status %q, want %q", when, got, want)
		}
		if c.Sent() != sent {
			t.Errorf("%s: asking for the status sent something", when)
		}
	}
	expect("new", 'I')
	exec(t, c, "SELECT 1")
	expect("after a statement", 'I')
	exec(t, c, "BEGIN")
	expect("text BEGIN", 'T')
	if _, err := c.ExecContext(context.Background(), "SELECT 1/0", nil); err == nil {
		t.Fatal("no error")
	}
	expect("failed", 'E')
	exec(t, c, "ROLLBACK")
	expect("text ROLLBACK", 'I')
	for _, end := range []func(driver.Tx) error{driver.Tx.Commit, driver.Tx.Rollback} {
		tx, err := c.BeginTx(context.Background(), driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		expect("BeginTx", 'T')
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
		expect("ended", 'I')
	}
	if !c.IsValid() || c.ResetSession(context.Background()) != nil {
		t.Error("asking for the status spoiled the connection")
	}
	c.Close()
	expect("closed", 0)
}
