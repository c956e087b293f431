package fakedb_test

import (
	"context"
	"database/sql/driver"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

func TestTwoCallsAtOnceAreAViolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Exec, fakedb.Fault{Delay: time.Second})
		go exec(t.Context(), c, "")
		synctest.Wait()
		c.Abort() // from any goroutine
		c.Kill(fakedb.Death{})
		clean(t, db)
		synctest.Wait()

		d := connect(t, db)
		go exec(t.Context(), d, "")
		synctest.Wait()
		d.Ping(t.Context())
		want := "conn 2: Ping while Exec is running"
		if v := db.Violations(); len(v) != 1 || v[0] != want {
			t.Errorf("violations %q, want %q", v, want)
		}
	})
}

func TestUseAfterClose(t *testing.T) {
	db := fakedb.New()
	c := connect(t, db)
	rows, err := c.QueryContext(t.Context(), "SERIES 3", nil)
	is(t, err, nil)
	is(t, c.Close(), nil)
	is(t, c.Close(), nil)
	is(t, c.Abort(), nil)
	is(t, rows.Next(make([]driver.Value, 1)), driver.ErrBadConn)
	is(t, rows.Close(), nil)
	clean(t, db) // all that is allowed
	is(t, exec(t.Context(), c, ""), driver.ErrBadConn)
	if v := db.Violations(); len(v) != 1 || v[0] != "conn 1: Exec after Close" {
		t.Errorf("violations %q", v)
	}
	if n := db.Counts(); n.Live != 0 || n.Closes != 2 || n.DoubleCloses != 1 || n.Queries != 1 || n.Aborts != 1 {
		t.Errorf("%+v", n)
	}
}

func TestResetWithOpenRowsIsAViolation(t *testing.T) {
	db := fakedb.New()
	c := connect(t, db)
	rows, err := c.QueryContext(t.Context(), "SELECT 1", nil)
	is(t, err, nil)
	is(t, c.ResetSession(t.Context()), nil)
	if v := db.Violations(); len(v) != 1 || !strings.Contains(v[0], "1 open Rows") {
		t.Errorf("violations %q", v)
	}
	rows.Close()
	is(t, c.ResetSession(t.Context()), nil)
	if v := db.Violations(); len(v) != 1 {
		t.Errorf("violations %q", v)
	}
}

func TestConnectionIsLiveUntilCloseReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Close, fakedb.Fault{Delay: 15 * time.Second})
		c.Abort() // hurries nothing on the server
		go c.Close()
		time.Sleep(15*time.Second - 1)
		if n := db.Counts(); n.Live != 1 || n.Closes != 1 {
			t.Errorf("lingering: %+v", n)
		}
		time.Sleep(2)
		if n := db.Counts(); n.Live != 0 || n.PeakLive != 1 {
			t.Errorf("closed: %+v", n)
		}
		clean(t, db)
	})
}

func TestCloseThatPanicsOrFailsStillCloses(t *testing.T) {
	db := fakedb.New()
	db.On(fakedb.Close, fakedb.Fault{Times: 1, Panic: "boom"})
	db.On(fakedb.Close, fakedb.Fault{Times: 1, Err: io.EOF})
	a, b := connect(t, db), connect(t, db)
	func() {
		defer func() { recover() }()
		a.Close()
	}()
	is(t, b.Close(), io.EOF)
	if n := db.Counts(); n.Live != 0 {
		t.Errorf("%+v", n)
	}
}

func TestDeaths(t *testing.T) {
	for _, tt := range []struct {
		name  string
		death fakedb.Death
		alive error
		want  error
	}{
		{"seen", fakedb.Death{}, io.EOF, driver.ErrBadConn},
		{"sent", fakedb.Death{Sent: true, Err: io.EOF}, io.EOF, io.EOF},
		{"hidden", fakedb.Death{Hidden: true}, nil, driver.ErrBadConn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := fakedb.New()
			c := connect(t, db)
			sent := c.Sent()
			db.KillAllWith(tt.death)
			is(t, c.Alive(), tt.alive)
			if !c.IsValid() {
				t.Error("IsValid finds out by itself")
			}
			is(t, exec(t.Context(), c, ""), tt.want)
			if (c.Sent() > sent) != tt.death.Sent {
				t.Errorf("sent %d bytes", c.Sent()-sent)
			}
			is(t, c.Alive(), io.EOF)
			is(t, c.ResetSession(t.Context()), driver.ErrBadConn)
			if c.IsValid() {
				t.Error("IsValid forgets")
			}
			is(t, exec(t.Context(), connect(t, db), ""), nil) // a new connection is well
		})
	}
}

func TestServerDownAndUp(t *testing.T) {
	db := fakedb.New()
	db.SetDown(nil)
	_, err := db.Connector().Connect(t.Context())
	is(t, err, fakedb.ErrDown)
	db.SetDown(errRefused)
	_, err = db.Connector().Connect(t.Context())
	is(t, err, errRefused)
	db.SetUp()
	connect(t, db)
}

func TestConnectHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Hang: fakedb.UntilDone})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := db.Connector().Connect(ctx)
				is(t, err, context.DeadlineExceeded)
			})
		}
		all.Wait()
		if n := db.Counts(); n.PeakDialing != 3 || n.Dialing != 0 || n.ConnectsFailed != 3 || n.PeakLive != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestPanicAtConnectIsCounted(t *testing.T) {
	db := fakedb.New()
	db.On(fakedb.Connect, fakedb.Fault{Panic: "boom"})
	func() {
		defer func() { recover() }()
		db.Connector().Connect(t.Context())
	}()
	if n := db.Counts(); n.Dialing != 0 || n.ConnectsFailed != 1 {
		t.Errorf("%+v", n)
	}
}
