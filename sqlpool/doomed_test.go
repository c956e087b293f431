package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

// When a transaction's context ends, database/sql rolls back on another goroutine, and
// Tx.Rollback answers at once. What a *sql.Conn writes before that rollback would be
// acknowledged and undone.
func TestNothingGetsIntoATransactionThatIsAboutToBeRolledBack(t *testing.T) {
	server := fakedb.New()
	p := trapPool(t, Config{Connector: server.Connector(), MaxConns: 1})
	s, err := p.openSession(background)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"a text": func() error { _, err := s.ExecContext(background, "INSERT t", nil); return err },
		"a query": func() error {
			rows, err := s.QueryContext(background, "INSERT t", nil)
			if err == nil {
				_ = rows.Close()
			}
			return err
		},
		"a statement": func() error {
			st, err := s.PrepareContext(background, "INSERT t")
			if err != nil {
				return err
			}
			_, err = st.(driver.StmtExecContext).ExecContext(background, nil)
			return err
		},
	} {
		before := server.Written("t")
		ctx, cancel := context.WithCancel(context.Background())
		tx, err := s.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := write(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s before the rollback: %v", name, err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := write(); err != nil {
			t.Errorf("%s after the rollback: %v", name, err)
		}
		if n := server.Written("t") - before; n != 1 {
			t.Errorf("%s: %d rows are there, 1 was acknowledged after the rollback", name, n)
		}
	}
	s.IsValid()
	_ = s.Close()
}
