package fakedb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

var errRefused = errors.New("refused")

// connect opens one connection with every ability.
func connect(t *testing.T, db *fakedb.DB) *fakedb.Conn {
	t.Helper()
	c, err := db.Connector().Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c.(*fakedb.Conn)
}

func exec(ctx context.Context, c *fakedb.Conn, text string) error {
	_, err := c.ExecContext(ctx, text, nil)
	return err
}

// is fails the test unless err is want.
func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
}

// clean fails the test if the driver was misused.
func clean(t *testing.T, db *fakedb.DB) {
	t.Helper()
	for _, v := range db.Violations() {
		t.Error(v)
	}
}

func TestDialFailsThreeTimes(t *testing.T) {
	db := fakedb.New()
	db.On(fakedb.Connect, fakedb.Fault{Times: 3, Err: errRefused})
	for range 3 {
		_, err := db.Connector().Connect(t.Context())
		is(t, err, errRefused)
	}
	if c := connect(t, db); c.ID() != 1 {
		t.Errorf("id = %d, want 1", c.ID())
	}
	if n := db.Counts(); n.ConnectsTried != 4 || n.ConnectsFailed != 3 || n.Connects != 1 || n.Live != 1 || n.Dialing != 0 {
		t.Errorf("%+v", n)
	}
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	db := fakedb.New()
	a, b := connect(t, db), connect(t, db)
	first := db.On(fakedb.Exec, fakedb.Fault{Conn: a.ID(), Text: "W", Skip: 1, Times: 1, Err: errRefused})
	db.On(fakedb.Exec, fakedb.Fault{Text: "W", Skip: 2, Err: io.EOF})
	ctx := t.Context()
	is(t, exec(ctx, a, "R"), nil)        // other text
	is(t, exec(ctx, a, "W"), nil)        // skipped by both
	is(t, exec(ctx, a, "W"), errRefused) // the second on a
	is(t, exec(ctx, b, "W"), nil)        // the second that the second rule sees
	is(t, exec(ctx, b, "W"), io.EOF)
	if first.Hits() != 1 {
		t.Errorf("Hits = %d", first.Hits())
	}
	first.Remove()
	db.Clear()
	is(t, exec(ctx, b, "W"), nil)
	clean(t, db)
}

func TestScriptSeesEveryCall(t *testing.T) {
	db := fakedb.New()
	var seen []fakedb.Call
	db.Script(func(c fakedb.Call) fakedb.Fault {
		seen = append(seen, c)
		if c.Point == fakedb.Exec && c.N == 2 {
			return fakedb.Fault{Panic: "boom"}
		}
		return fakedb.Fault{}
	})
	c := connect(t, db)
	is(t, exec(t.Context(), c, "one"), nil)
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
		}()
		exec(t.Context(), c, "two")
	}()
	is(t, c.Ping(t.Context()), nil) // the panic has not left the connection busy
	is(t, c.Close(), nil)
	points := []fakedb.Point{fakedb.Connect, fakedb.Exec, fakedb.Exec, fakedb.Ping, fakedb.Close}
	if len(seen) != len(points) {
		t.Fatalf("saw %v", seen)
	}
	for i, p := range points {
		if seen[i].Point != p || seen[i].Ctx == nil {
			t.Errorf("call %d = %+v, want %v", i, seen[i], p)
		}
	}
	if seen[2].Text != "two" || seen[2].Conn != 1 {
		t.Errorf("%+v", seen[2])
	}
	clean(t, db)
}

func TestStages(t *testing.T) {
	for _, tt := range []struct {
		stage         fakedb.Stage
		sent, written bool
	}{
		{fakedb.BeforeSend, false, false},
		{fakedb.AfterSend, true, false},
		{fakedb.AfterEffect, true, true},
	} {
		db := fakedb.New()
		c := connect(t, db)
		before := c.Sent()
		db.On(fakedb.Exec, fakedb.Fault{Stage: tt.stage, Err: driver.ErrBadConn, Kill: true})
		is(t, exec(t.Context(), c, "INSERT tok"), driver.ErrBadConn)
		if (c.Sent() > before) != tt.sent || (db.Written("tok") == 1) != tt.written {
			t.Errorf("stage %d: sent %d, written %d", tt.stage, c.Sent()-before, db.Written("tok"))
		}
		is(t, c.Alive(), io.EOF) // Kill
		if c.IsValid() {
			t.Error("IsValid after the driver has seen the death")
		}
	}
}

// TestLostReplyIsWrittenTwice shows the bug that the pool is there to prevent: database/sql believes a driver that
// says ErrBadConn after it has sent the statement.
func TestLostReplyIsWrittenTwice(t *testing.T) {
	db := fakedb.New()
	db.On(fakedb.Exec, fakedb.Fault{Times: 1, Stage: fakedb.AfterEffect, Err: driver.ErrBadConn})
	pool := sql.OpenDB(db.Connector())
	defer pool.Close()
	_, err := pool.ExecContext(t.Context(), "INSERT ?", "tok")
	is(t, err, nil)
	if n := db.Written("tok"); n != 2 {
		t.Errorf("written %d times, want 2", n)
	}
}
