package fakedb_test

import (
	"database/sql/driver"
	"io"
	"strings"
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
		time.Sleep(2 * time.Nanosecond)
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

func TestForcedCloseEndsABlockedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Exec, fakedb.Fault{Hang: fakedb.UntilAbort})
		got := make(chan error, 1)
		go func() { got <- exec(t.Context(), c, "") }()
		synctest.Wait()
		is(t, c.Close(), nil)
		is(t, <-got, fakedb.ErrAborted)
		if v := db.Violations(); len(v) != 1 || v[0] != "conn 1: Close while Exec is running" {
			t.Errorf("violations %q", v) // it works, but Abort and waiting is how it is done
		}
	})
}

func TestStatementUsedAfterItsCloseIsAViolation(t *testing.T) {
	db := fakedb.New()
	s, err := connect(t, db).Prepare("INSERT ?")
	is(t, err, nil)
	is(t, s.Close(), nil)
	is(t, s.Close(), nil)
	clean(t, db)
	_, err = s.(driver.StmtExecContext).ExecContext(t.Context(), nil)
	state(t, err, "26000")
	if v := db.Violations(); len(v) != 1 || !strings.Contains(v[0], "after its Close") {
		t.Errorf("violations %q", v)
	}
	if n := db.Counts(); n.OpenStmts != 0 {
		t.Errorf("%+v", n)
	}
}
