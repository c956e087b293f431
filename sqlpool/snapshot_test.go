package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestSnapshotShowsEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 4})
		closing := server.On(fakedb.Close, fakedb.Fault{Delay: 400 * time.Millisecond})
		defer closing.Remove()
		session, err := p.Connector().Connect(t.Context())
		must(t, err)
		_, err = session.(driver.ExecerContext).ExecContext(t.Context(), "SELECT 1", nil)
		must(t, err)
		granted, err := p.Connector().Connect(t.Context())
		must(t, err)
		idle, retired := acquire(t, p), acquire(t, p)
		must(t, idle.Release())
		time.Sleep(100 * time.Millisecond)
		must(t, retired.Retire(nil))
		synctest.Wait()

		s := p.Snapshot()
		want := []sqlpool.ConnState{sqlpool.ConnInUse, sqlpool.ConnGranted, sqlpool.ConnIdle, sqlpool.ConnClosing}
		if len(s.Conns) != len(want) || s.Closing != 1 {
			t.Fatalf("%+v", s)
		}
		for i, c := range s.Conns {
			if c.ID != uint64(i+1) || c.State != want[i] || c.Age < 100*time.Millisecond {
				t.Errorf("connection %d: %+v", i+1, c)
			}
		}
		if c := s.Conns[0]; c.LastStatement != "SELECT 1" || c.Uses != 1 || c.Loans != 1 || c.For < 100*time.Millisecond {
			t.Errorf("in use: %+v", c)
		}
		must(t, session.Close())
		must(t, granted.Close())
	})
}

// A loan whose connection has broken is told apart from one that can go on.
func TestSnapshotShowsWhatBrokeAConnectionInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		var broke atomic.Pointer[error]
		shape := func(c *fakedb.Conn) driver.Conn { return toldConn{c, &broke} }
		p := labOn(t, server, shape, sqlpool.Config{})
		loan := acquire(t, p)
		if c := p.Snapshot().Conns[0]; c.Broken != nil {
			t.Errorf("whole: %v", c.Broken)
		}
		end := io.EOF
		broke.Store(&end)
		if c := p.Snapshot().Conns[0]; c.Broken != io.EOF {
			t.Errorf("broken: %v", c.Broken)
		}
		broke.Store(nil)
		must(t, loan.Release())
	})
}

// toldConn is a connection whose driver says what broke it.
type toldConn struct {
	*fakedb.Conn
	broke *atomic.Pointer[error]
}

func (c toldConn) LastError() error {
	if err := c.broke.Load(); err != nil {
		return *err
	}
	return nil
}

func TestSnapshotShowsTheOldestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		if s := p.Snapshot(); s.OldestWait != 0 || s.DialFailures != 0 {
			t.Errorf("%+v", s)
		}
		loan := acquire(t, p)
		first := queue(t.Context(), p)
		time.Sleep(2 * time.Second)
		second := queue(t.Context(), p)
		time.Sleep(time.Second)
		if s := p.Snapshot(); s.OldestWait != 3*time.Second || s.Waiting != 2 {
			t.Errorf("%v, %d wait", s.OldestWait, s.Waiting)
		}
		must(t, loan.Release())
		for _, w := range []<-chan asked{first, second} {
			got := <-w
			must(t, got.err)
			must(t, got.loan.Release())
		}
	})
}

func TestSnapshotShowsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		down := server.On(fakedb.Connect, fakedb.Fault{Err: context.DeadlineExceeded})
		p := labOn(t, server, fakedb.Full, sqlpool.Config{
			MaxConns: 1, MinIdle: 1, Backoff: sqlpool.Backoff{First: time.Second, Max: time.Second, NoJitter: true},
		})
		time.Sleep(2500 * time.Millisecond)
		s := p.Snapshot()
		if s.DialFailures != 3 || s.FailingFor != 2500*time.Millisecond || s.NextDial != 500*time.Millisecond || len(s.Conns) != 0 {
			t.Errorf("%+v", s)
		}
		down.Remove()
	})
}

// Dials that were under way together are one to the backoff, and all of them are
// what Stats counts.
func TestSnapshotCountsEveryDialOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		down := server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second, Err: context.DeadlineExceeded})
		p := labOn(t, server, fakedb.Full, sqlpool.Config{
			MaxConns: 3, MinIdle: 3, Backoff: sqlpool.Backoff{First: time.Second, Max: time.Second, NoJitter: true},
		})
		time.Sleep(1500 * time.Millisecond)
		s := p.Snapshot()
		if s.DialErrorCount != 3 || s.DialFailures != 3 || s.NextDial != 500*time.Millisecond {
			t.Errorf("%d dials failed, %d of them since it began; the next in %v", s.DialErrorCount, s.DialFailures, s.NextDial)
		}
		down.Remove()
	})
}
