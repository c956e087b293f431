package sqlpool

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// The look at the socket uses up the time of the WhileIdle hooks.
func TestTheLookAtTheSocketTakesNoTimeFromTheHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := trapPool(t, Config{Connector: server.Connector(), MaxConns: 1, MinIdle: 1, SweepInterval: time.Minute, PingTimeout: time.Second, Hooks: []Hooks{{
			WhileIdle: func(ctx context.Context, c IdleConn) error { return c.Ping(ctx) }, // a keepalive
		}}})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		server.On(fakedb.Alive, fakedb.Fault{Err: driver.ErrSkip})
		server.On(fakedb.Ping, fakedb.Fault{Delay: 600 * time.Millisecond})
		time.Sleep(90 * time.Second)
		if s := p.Stats(); s.CloseCount > 0 {
			t.Errorf("a connection that answers each ping within PingTimeout was closed")
		}
	})
}
