package conformance

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var resetMutants = []mutant{
	{"RST-01", "an open transaction is not seen", below(func(c driver.Conn) driver.Conn { return statusConn{c.(fullConn), 'T', 'I'} })},
	{"RST-02", "a failed transaction is not seen", below(func(c driver.Conn) driver.Conn { return statusConn{c.(fullConn), 'E', 'I'} })},
	{"RST-03", "a transaction left open costs the connection", below(func(c driver.Conn) driver.Conn { return &frailConn{c.(fullConn), false} })},
	{"RST-04", "a rollback costs the connection", below(func(c driver.Conn) driver.Conn { return &tiredConn{fullConn: c.(fullConn)} })},
	{"RST-05", "the reset does not reach the server", below(func(c driver.Conn) driver.Conn { return resetConn{c.(fullConn), "SELECT 1"} })},
	{"RST-06", "a failed reset is forgotten", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			for i := range s.Hooks {
				if h := s.Hooks[i]; h.AfterRelease != nil && h.OnClose == nil && s.MaxConns == 1 && len(s.Hooks) == 1 {
					s.Hooks[i] = sqlpool.Hooks{AfterRelease: func(r sqlpool.Releasing) error {
						r.Defer(func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "RESET ALL") })
						return nil
					}}
				}
			}
			return OpenPool(s)
		}
	}},
	{"RST-07", "the reset drops prepared statements", below(func(c driver.Conn) driver.Conn { return resetConn{c.(fullConn), "DISCARD ALL"} })},
	{"RST-08", "what ResetSession says is not heard", below(func(c driver.Conn) driver.Conn { return sturdyConn{c.(fullConn)} })},
}

func status(c driver.Conn) byte {
	for {
		if s, ok := c.(interface{ TxStatus() byte }); ok {
			return s.TxStatus()
		}
		c = c.(interface{ Raw() driver.Conn }).Raw()
	}
}

// statusConn says one status for another.
type statusConn struct {
	fullConn
	is, says byte
}

func (c statusConn) TxStatus() byte {
	if s := status(c.fullConn); s != c.is {
		return s
	}
	return c.says
}

// frailConn does not survive a transaction that is left open.
type frailConn struct {
	fullConn
	began bool
}

func (c *frailConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.began = c.began || text == "BEGIN"
	return c.fullConn.ExecContext(ctx, text, args)
}

func (c *frailConn) IsValid() bool { return !c.began && c.fullConn.IsValid() }

// tiredConn does not survive a rollback.
type tiredConn struct {
	fullConn
	tired bool
}

func (c *tiredConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.fullConn.BeginTx(ctx, opts)
	return costlyTx{t, c}, err
}

func (c *tiredConn) IsValid() bool { return !c.tired && c.fullConn.IsValid() }

type costlyTx struct {
	tx
	conn *tiredConn
}

func (t costlyTx) Rollback() error {
	t.conn.tired = true
	return t.tx.Rollback()
}

// resetConn sends something else for the reset.
type resetConn struct {
	fullConn
	instead string
}

func (c resetConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(text, "RESET") {
		text = c.instead
	}
	return c.fullConn.ExecContext(ctx, text, args)
}

type sturdyConn struct{ fullConn }

func (c sturdyConn) ResetSession(ctx context.Context) error {
	_ = c.fullConn.ResetSession(ctx)
	return nil
}
