package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// telling is a connection that tells of its server's side.
type telling struct {
	driver.Conn
	running atomic.Bool
}

func (c *telling) Raw() driver.Conn { return c.Conn }
func (c *telling) Running() bool    { return c.running.Load() }

func (c *telling) Backend() (pid uint32, server, role string) {
	return 4711, "10.0.0.5:5432", "standby"
}

type tellingConnector struct {
	driver.Connector
	last *telling
}

func (c *tellingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	c.last = &telling{Conn: inner}
	return c.last, err
}

func TestTheServersSideOfAConnectionIsTold(t *testing.T) {
	connector := &tellingConnector{Connector: fakedb.New().Connector()}
	p, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := sqlpool.Backend{PID: 4711, Server: "10.0.0.5:5432", Role: "standby"}
	if got := loan.Conn().Backend(); got != want || got.String() != "pid 4711 on 10.0.0.5:5432, standby" {
		t.Errorf("the connection's backend is %+v (%[1]v)", got)
	}
	connector.last.running.Store(true)
	for activity, running := range map[sqlpool.Activity]bool{sqlpool.ActivityRunning: true, sqlpool.ActivityIdle: false} {
		connector.last.running.Store(running)
		h, c := p.Holders()[0], p.Snapshot().Conns[0]
		if h.Backend != want || h.Activity != activity || c.Backend != want || c.Activity != activity {
			t.Errorf("running %v: holder %+v, connection %+v", running, h, c)
		}
		if text := h.String(); !strings.Contains(text, string(activity)+", backend pid 4711") {
			t.Errorf("the holder in words: %s", text)
		}
	}
	if err := loan.Release(); err != nil {
		t.Fatal(err)
	}
	if c := p.Snapshot().Conns[0]; c.Backend != want || c.Activity != sqlpool.ActivityUnknown {
		t.Errorf("idle: %+v", c)
	}
}

func TestADriverThatTellsNothingOfItsServer(t *testing.T) {
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer loan.Release()
	if c := loan.Conn(); c.Backend() != (sqlpool.Backend{}) || c.Backend().String() != "" || c.Activity() != sqlpool.ActivityUnknown {
		t.Errorf("%+v, %q", c.Backend(), c.Activity())
	}
	if text := p.Holders()[0].String(); strings.Contains(text, "pid") || strings.Contains(text, "running") || strings.Contains(text, "idle") {
		t.Errorf("the holder in words: %s", text)
	}
}
