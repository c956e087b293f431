package sqlpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// With plain database/sql: a caller resets the session inside Raw..
func TestASessionThatIsResetInsideRawLosesNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trapPool(t, Config{MaxConns: 2, MinIdle: 2, AcquireTimeout: time.Second})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		db := OpenDB(p)
		defer db.Close()
		for range 3 {
			if _, err := db.ExecContext(background, "noop"); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			c, err := db.Conn(background)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Raw(func(d any) error { return d.(driver.SessionResetter).ResetSession(background) }); err != nil {
				t.Fatal(err)
			}
			if _, err := c.ExecContext(background, "noop"); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.InUse != 0 {
			t.Errorf("no loan is out, and yet %d are in use: %v", s.InUse, p.Holders())
		}
	})
}

func TestResizeKeepsIdleConnectionsRatherThanDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := trapPool(t, Config{Connector: server.Connector(), MaxConns: 10, MinIdle: 2, MaxDialing: 8, AcquireTimeout: 5 * time.Second, ConnectTimeout: 10 * time.Second})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Hour})
		_ = p.Resize(10, 10)
		synctest.Wait()
		_ = p.Resize(2, 0)
		synctest.Wait()
		t.Logf("%+v", p.Stats())
		loan, err := p.Acquire(background)
		if err != nil {
			t.Errorf("two idle connections were fine: %v", err)
			return
		}
		loan.Release()
	})
}

func TestATransactionThatWhileIdleLeftOpenIsEndedBeforeTheNextLoan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		n := 0
		p := trapPool(t, Config{Connector: server.Connector(), MaxConns: 2, MinIdle: 1, SweepInterval: time.Second, Hooks: []Hooks{{
			WhileIdle: func(ctx context.Context, c IdleConn) error {
				if n++; n > 1 {
					return nil
				}
				server.On(fakedb.Connect, fakedb.Fault{Delay: time.Hour})
				_ = c.Exec(ctx, "BEGIN")
				return &Reason{Code: "old", Sound: true}
			},
		}}})
		if err := p.Warm(background); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		loan, err := p.Acquire(background)
		if err != nil {
			t.Fatal(err)
		}
		if st := loan.Conn().can.txStatus(); st != 'I' {
			t.Errorf("lent with transaction status %c", st)
		}
		loan.Release()
		time.Sleep(time.Second)
	})
}

// No caller gets a connection while the pool is paused.
func TestNoCallerIsServedWhilePaused(t *testing.T) {
	p := trapPool(t, Config{MaxConns: 4})
	dbs := []*sql.DB{OpenDB(p), OpenDB(p)}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, _ = dbs[g%2].ExecContext(background, "noop")
			}
		})
	}
	for range 300 {
		p.Pause()
		var before Stats
		for { // what was out comes back
			if before = p.Stats(); before.InUse == 0 {
				break
			}
			time.Sleep(50 * time.Microsecond)
		}
		time.Sleep(300 * time.Microsecond)
		if after := p.Stats(); after.AcquireCount != before.AcquireCount || after.InUse != 0 {
			t.Fatalf("served while paused: %+v", after)
		}
		p.Resume()
		time.Sleep(time.Millisecond)
	}
	close(stop)
	wg.Wait()
}
