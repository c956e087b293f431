package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// heldBegin is a connection whose Raw sends a BEGIN that was held, to a server that
// does not answer.
type heldBegin struct {
	driver.Conn
	began bool
	cut   chan struct{}
	once  *sync.Once
}

func (c *heldBegin) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.began = true
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}
func (c *heldBegin) HoldBegin() func() (begun, sent bool) {
	return func() (begun, sent bool) { return false, false }
}
func (c *heldBegin) Abort() error { c.once.Do(func() { close(c.cut) }); return nil }
func (c *heldBegin) Raw() driver.Conn {
	if c.began {
		<-c.cut
	}
	return c.Conn
}

type heldBegins struct{ driver.Connector }

func (c heldBegins) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &heldBegin{Conn: inner, cut: make(chan struct{}), once: new(sync.Once)}, nil
}

// Raw has no context. What it sends for a transaction ends with the transaction's.
func TestRawOfAHeldBeginEndsWithTheTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := sqlpool.New(sqlpool.Config{Connector: heldBegins{fakedb.New().Connector()}, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		db := sqlpool.OpenDB(p)
		defer db.Close()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := conn.BeginTx(ctx, &sql.TxOptions{}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = conn.Raw(func(c any) error { c.(interface{ Raw() driver.Conn }).Raw(); return nil })
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("Raw took %v, and the transaction had one second", took)
		}
	})
}
