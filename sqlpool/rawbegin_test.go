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

// A cut that has begun while Raw sends BEGIN must be over when Raw returns: the connection
// may be another borrower's a moment later. No bubble: database/sql holds a mutex in Raw.
func TestALateCutOfRawDoesNotMeetTheNextBorrower(t *testing.T) {
	server := fakedb.New()
	returned := make(chan struct{})
	begins := &cutBegins{Connector: server.Connector(), cut: make(chan struct{}), slow: func() {
		select {
		case <-returned:
			t.Error("Raw has returned before its cut")
		case <-time.After(100 * time.Millisecond): // more would show no more
		}
	}}
	p, err := sqlpool.New(sqlpool.Config{Connector: begins, MaxConns: 1})
	must(t, err)
	db := sqlpool.OpenDB(p)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begins.end = cancel
	_, err = conn.BeginTx(ctx, nil)
	must(t, err)
	_ = conn.Raw(func(c any) error { c.(interface{ Raw() driver.Conn }).Raw(); return nil })
	close(returned)
	_ = conn.Close()
	if _, err := db.Exec("INSERT t"); err != nil || server.Written("t") != 1 {
		t.Errorf("the next borrower: %v, %d written", err, server.Written("t"))
	}
}

// cutBegins are connections whose Raw sends a held BEGIN to a server that does not
// answer until the context ends, and whose Abort cuts that off and does something slow before it cuts the rest.
type cutBegins struct {
	driver.Connector
	began bool
	end   context.CancelFunc
	cut   chan struct{}
	slow  func()
}

func (c *cutBegins) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return cutBegin{inner.(*fakedb.Conn), c}, nil
}

type cutBegin struct {
	*fakedb.Conn
	of *cutBegins
}

func (c cutBegin) HoldBegin() func() (begun, sent bool) {
	return func() (begun, sent bool) { return false, false }
}

func (c cutBegin) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.of.began = true
	return c.Conn.BeginTx(ctx, opts)
}

func (c cutBegin) Raw() driver.Conn {
	if c.of.began {
		c.of.end()
		<-c.of.cut
	}
	return c.Conn
}

func (c cutBegin) Abort() error {
	close(c.of.cut)
	c.of.slow()
	return c.Conn.Abort()
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
