//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestActivityShowsClientsAndNotItself(t *testing.T) {
	s := Shared(t)
	db := s.NewDatabase(t)
	conn := connect(t, s.TCP().With("application_name", "shown").URL(db))
	_, err := conn.Exec(limited(t), "BEGIN; SELECT 'multi\nline'")
	must(t, err)
	sessions, err := s.Activity(limited(t), Filter{Database: db})
	must(t, err)
	if len(sessions) != 1 {
		t.Fatalf("%d sessions, want 1: %+v", len(sessions), sessions)
	}
	got := sessions[0]
	if got.PID != int(conn.PgConn().PID()) || got.Application != "shown" || got.Database != db ||
		got.State != "idle in transaction" || got.Query != "BEGIN; SELECT 'multi\nline'" {
		t.Errorf("the session is %+v", got)
	}
	all, err := s.Activity(limited(t))
	must(t, err)
	for _, session := range all {
		if session.Application == ownName {
			t.Errorf("Activity shows its own session: %+v", session)
		}
	}
}

func TestPrepareCountsAreTheServersOwn(t *testing.T) {
	s := Shared(t)
	ctx := limited(t)
	db := s.NewDatabase(t)
	must(t, s.LogStatements(ctx, db))
	conn := connect(t, s.DSN(db))
	_, err := conn.Prepare(ctx, "before", "SELECT 0")
	must(t, err)
	mark, err := s.Mark(ctx)
	must(t, err)
	sql := "SELECT\n\t$1::int -- tab and lines"
	_, err = conn.Prepare(ctx, "mine", sql)
	must(t, err)
	for range 200 {
		var n int
		must(t, conn.QueryRow(ctx, "mine", 7).Scan(&n))
	}
	_, err = conn.Prepare(ctx, "broken", "SELECT no_such_column")
	if err == nil {
		t.Fatal("prepared nonsense")
	}
	prepares, err := s.Prepares(ctx, mark, Filter{Database: db})
	must(t, err)
	if len(prepares) != 1 {
		t.Fatalf("%d prepares, want 1: %+v", len(prepares), prepares)
	}
	want := Prepare{PID: int(conn.PgConn().PID()), Database: db, Application: "", Name: "mine", SQL: sql}
	if prepares[0] != want {
		t.Errorf("the prepare is %+v, want %+v", prepares[0], want)
	}
	executed, err := s.CountLog(ctx, mark, regexp.MustCompile(`^duration: \S+ ms  execute mine: `))
	must(t, err)
	if executed != 200 {
		t.Errorf("%d executions in the log, want 200", executed)
	}
}

func TestPeakBackendsMissesNoSession(t *testing.T) {
	s := Shared(t)
	ctx := limited(t)
	db := s.NewDatabase(t)
	open := func(app string) (hangUp func()) {
		conn := connect(t, s.TCP().With("application_name", app).URL(db))
		return func() { must(t, conn.Close(ctx)) }
	}
	defer open("a")() // open across the mark
	closeB := open("b")
	closeB()
	mark, err := s.Mark(ctx)
	must(t, err)
	for range 3 {
		one, two := open("a"), open("b b")
		one()
		two()
		// A client's Close does not wait for the server's side.
		eventually(t, "the two backends are gone", func() bool {
			sessions, err := s.Activity(ctx, Filter{Database: db})
			must(t, err)
			return len(sessions) == 1
		})
	}
	if err := NewConsole(s.TCP().With("application_name", "a").URL("no_such_database")).Exec(ctx, ""); err == nil {
		t.Fatal("connected to a missing database")
	}
	for _, c := range []struct {
		f    Filter
		want int
	}{{Filter{Database: db}, 3}, {Filter{Database: db, Application: "a"}, 2}, {Filter{Application: "b b"}, 1}, {Filter{Application: "b"}, 0}} {
		got, err := s.PeakBackends(ctx, mark, c.f)
		must(t, err)
		if got != c.want {
			t.Errorf("%+v: a peak of %d, want %d", c.f, got, c.want)
		}
	}
}

func TestSessionsEndWithAKilledServer(t *testing.T) {
	s := Run(t, Options{})
	ctx := limited(t)
	connect(t, s.DSN("postgres"))
	must(t, s.KillPostmaster())
	must(t, s.Start(ctx))
	mark, err := s.Mark(ctx)
	must(t, err)
	connect(t, s.DSN("postgres"))
	if got, err := s.PeakBackends(ctx, mark, Filter{}); got != 1 || err != nil {
		t.Errorf("a peak of %d, %v; want 1: the killed server's session counts no more", got, err)
	}
}

func TestWatchSeesThePeak(t *testing.T) {
	s := Shared(t)
	ctx := limited(t)
	db := s.NewDatabase(t)
	w, err := s.Watch(ctx, Filter{Database: db})
	must(t, err)
	for i := range 5 {
		connect(t, s.TCP().With("application_name", fmt.Sprint("app", i)).URL(db))
	}
	if peak, err := w.Stop(); peak != 5 || err != nil {
		t.Errorf("a peak of %d, %v; want 5", peak, err)
	}
}

func TestWatchThatEndedEarlySaysSo(t *testing.T) {
	s := Run(t, Options{})
	w, err := s.Watch(context.Background(), Filter{})
	must(t, err)
	must(t, s.Stop(limited(t), Immediate))
	if _, err := w.Stop(); err == nil {
		t.Error("the watch claims to have seen everything")
	}
}

func TestStatementsCountsCalls(t *testing.T) {
	s := Shared(t)
	ctx := limited(t)
	db := s.NewDatabase(t)
	conn := connect(t, s.DSN(db))
	for range 9 {
		_, err := conn.Exec(ctx, "SELECT 'counted here' WHERE $1::int > 0", 1)
		must(t, err)
	}
	statements, err := s.Statements(ctx)
	must(t, err)
	for _, st := range statements {
		if st.Database == db && strings.Contains(st.Query, "WHERE $1::int") || st.Database == db && st.Calls == 9 {
			if st.Calls != 9 || st.Rows != 9 || st.ExecTime <= 0 {
				t.Errorf("counted %+v, want 9 calls", st)
			}
			return
		}
	}
	t.Errorf("the statement is not among %d", len(statements))
}

func TestDatabaseIsFreshAndDropped(t *testing.T) {
	names := map[string]bool{}
	for i := range 2 {
		t.Run(fmt.Sprint("test ", i, " with a long name, ", strings.Repeat("very ", 20)), func(t *testing.T) {
			c := NewConsole(Database(t))
			name := one(t, c, "SELECT current_database()")
			names[name] = true
			must(t, c.Exec(limited(t), "CREATE TABLE same_name ()"))
			connect(t, c.dsn) // still connected when the database is dropped
		})
	}
	for name := range names {
		if got := one(t, NewConsole(DSN(t)), "SELECT count(*) FROM pg_database WHERE datname = "+quoteText(name)); got != "0" {
			t.Errorf("%s was not dropped", name)
		}
	}
	if len(names) != 2 {
		t.Errorf("databases %v, want 2 different ones", names)
	}
}
