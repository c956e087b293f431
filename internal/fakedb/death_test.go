package fakedb_test

import (
	"database/sql/driver"
	"io"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/internal/fakedb"
)

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

func TestHiddenDeathLeavesBlockedCallsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		rule := db.On(fakedb.Exec, fakedb.Fault{Times: 1, Hang: fakedb.UntilAbort})
		got := make(chan error, 1)
		go func() { got <- exec(t.Context(), c, "") }()
		synctest.Wait()
		c.Kill(fakedb.Death{Hidden: true})
		synctest.Wait()
		if rule.Waiting() != 1 {
			t.Error("the call has noticed")
		}
		c.Abort()
		is(t, <-got, fakedb.ErrAborted)
		is(t, c.Alive(), io.EOF)
	})
}

func TestDriverKnowsOfTheDeathThatEndedItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Exec, fakedb.Fault{Hang: fakedb.UntilDone})
		got := make(chan error, 1)
		go func() { got <- exec(t.Context(), c, "") }()
		synctest.Wait()
		db.KillAll()
		is(t, <-got, io.ErrUnexpectedEOF)
		if c.IsValid() {
			t.Error("IsValid after the driver has seen the death")
		}
		clean(t, db)
	})
}
