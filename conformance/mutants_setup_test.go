package conformance

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// setUpMutants lose what AfterConnect has set.
var setUpMutants = []mutant{
	{"RST-12", "a rollback takes back what AfterConnect has set", above(func(c *conn) driver.Conn { return revertingConn{c} })},
	{"RST-12", "a driver resets all of a session between two loans", where(setsUp, below(func(c driver.Conn) driver.Conn { return blankConn{c.(fullConn)} }))},
	{"RST-12", "a connection is set up once", hooked(onlyOnce)},
	{"RST-12", "hooks behind the reset are not run again", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			s.Hooks = slices.Clone(s.Hooks)
			behind := false
			for i, h := range s.Hooks {
				if behind {
					onlyOnce(&s.Hooks[i])
				}
				behind = behind || h.AfterRelease != nil
			}
			return OpenPool(s)
		}
	}},
}

// setsUp are the settings of RST-12.
func setsUp(s Settings) bool {
	return s.MaxConns == 1 && slices.ContainsFunc(s.Hooks, func(h sqlpool.Hooks) bool { return h.AfterConnect != nil })
}

// revertingConn takes what is set out of a transaction, too.
type revertingConn struct{ *conn }

func (c revertingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return revertingTx{t, c}, nil
}

type revertingTx struct {
	tx
	c revertingConn
}

func (t revertingTx) Rollback() error {
	err := t.tx.Rollback()
	if err == nil {
		_, err = t.c.conn.ExecContext(context.Background(), "RESET ALL", nil)
	}
	return err
}

// blankConn is reset as a whole before it is lent.
type blankConn struct{ fullConn }

func (c blankConn) ResetSession(ctx context.Context) error {
	if err := c.fullConn.ResetSession(ctx); err != nil {
		return err
	}
	_, err := c.fullConn.ExecContext(ctx, "RESET ALL", nil)
	return err
}

// once marks a connection that was set up.
type once struct{}

// onlyOnce has AfterConnect run once on a connection.
func onlyOnce(h *sqlpool.Hooks) {
	setUp := h.AfterConnect
	if setUp == nil {
		return
	}
	h.AfterConnect = func(ctx context.Context, c *sqlpool.Conn) error {
		if c.Value(once{}) != nil {
			return nil
		}
		c.SetValue(once{}, true)
		return setUp(ctx, c)
	}
}
