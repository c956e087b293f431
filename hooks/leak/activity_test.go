package leak_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// talking is a connection whose driver tells what it sends and whether the server
// is at work, as the adapters of this module do.
type talking struct {
	driver.Conn
	running atomic.Bool
	sent    atomic.Uint64
}

func (c *talking) Raw() driver.Conn { return c.Conn }
func (c *talking) Running() bool    { return c.running.Load() }
func (c *talking) Sent() uint64     { return c.sent.Load() }

func (c *talking) Backend() (pid uint32, server, role string) { return 4711, "db:5432", "primary" }

// query has the server at work for so long.
func (c *talking) query(d time.Duration) {
	c.sent.Add(1)
	c.running.Store(true)
	time.Sleep(d)
	c.running.Store(false)
}

type talkingConnector struct {
	driver.Connector
	last *talking
}

func (c *talkingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	c.last = &talking{Conn: inner}
	return c.last, err
}

// lend has a loan of a connection that tells, in a bubble.
func lend(t *testing.T, f func(t *testing.T, c *talking, d *leak.Detector, got *reports)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		got := &reports{}
		d := leak.New(leak.Config{Report: got.add})
		connector := &talkingConnector{Connector: fakedb.New().Connector()}
		p, err := sqlpool.New(sqlpool.Config{Connector: connector, Hooks: []sqlpool.Hooks{d.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer loan.Release()
		f(t, connector.last, d, got)
	})
}

func TestALongStatementIsNoLeakUntilItsBorrowerForgetsIt(t *testing.T) {
	lend(t, func(t *testing.T, c *talking, d *leak.Detector, got *reports) {
		go c.query(2 * time.Minute)
		time.Sleep(100 * time.Second)
		if all := got.take(); len(all) != 0 || d.Leaks() != 0 {
			t.Errorf("a statement that runs is reported: %v", all)
		}
		if h := d.Holders(); len(h) != 1 || h[0].Activity != sqlpool.ActivityRunning || h[0].Leaked || h[0].Held != 100*time.Second ||
			h[0].Backend.PID != 4711 || !strings.Contains(h[0].String(), "held for 1m40s, running, backend pid 4711") {
			t.Errorf("the holder: %+v", h)
		}
		time.Sleep(20*time.Second + leak.DefaultAfter - 2*time.Second) // the statement has ended, and After is not over
		if all := got.take(); len(all) != 0 {
			t.Errorf("too early: %v", all)
		}
		time.Sleep(4 * time.Second)
		all := got.take()
		if len(all) != 1 || d.Leaks() != 1 || all[0].Activity != sqlpool.ActivityIdle || !all[0].Leaked {
			t.Fatalf("%d leaks, reports %v", d.Leaks(), all)
		}
		if idle := all[0].Idle; idle < leak.DefaultAfter || idle > leak.DefaultAfter+time.Second || all[0].Held < 149*time.Second {
			t.Errorf("idle for %v of %v", idle, all[0].Held)
		}
		if text := all[0].String(); !strings.Contains(text, "idle in hand for 30") {
			t.Errorf("in words: %s", text)
		}
	})
}

// A long piece of work on one connection is not forgotten as long as it goes on.
func TestAShortStatementNowAndThenIsAUse(t *testing.T) {
	lend(t, func(t *testing.T, c *talking, d *leak.Detector, got *reports) {
		for range 20 {
			c.query(time.Millisecond) // between two sweeps: only the bytes tell
			time.Sleep(9 * time.Second)
		}
		if all := got.take(); len(all) != 0 {
			t.Errorf("work that goes on is reported: %v", all)
		}
		time.Sleep(leak.DefaultAfter)
		if all := got.take(); len(all) != 1 {
			t.Errorf("work that has stopped is reported %d times", len(all))
		}
	})
}

func TestALoanThatIsNeverUsedIsALeak(t *testing.T) {
	lend(t, func(t *testing.T, c *talking, d *leak.Detector, got *reports) {
		time.Sleep(leak.DefaultAfter + time.Second)
		if all := got.take(); len(all) != 1 || all[0].Idle != all[0].Held {
			t.Errorf("reports: %v", all)
		}
	})
}
