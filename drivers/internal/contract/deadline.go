package contract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"
)

// overrun runs a call with a deadline while the server does not answer and
// returns by how much it was late.
func overrun(t *testing.T, name string, call call) time.Duration {
	t.Helper()
	deadline := time.Now().Add(100 * time.Millisecond)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- call(ctx) }()
	select {
	case err := <-result:
		late := time.Since(deadline)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: %v, want the deadline's error", name, err)
		}
		if late > slack {
			t.Errorf("%s: %v late", name, late)
		}
		return late
	case <-time.After(patience):
		t.Fatalf("%s: does not return: %v after its deadline", name, patience)
		return 0
	}
}

func (s *suite) testStoppedServer(t *testing.T) {
	conns := make(map[string]call)
	for _, name := range callNames {
		conns[name] = s.calls(t, s.connect(t))[name]
	}
	// A statement that others need the place of, without a context.
	stmt, err := s.connect(t).PrepareContext(context.Background(), "SELECT 3")
	if err != nil {
		t.Fatal(err)
	}
	connector, err := s.connector(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	conns["connect"] = func(ctx context.Context) error {
		_, err := connector.Connect(ctx)
		return err
	}
	streams := []*stream{s.openStream(t, false), s.openStream(t, true)}
	if err := s.server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.server.Resume(); err != nil {
			t.Error(err)
		}
	}()
	s.overruns(t, conns)
	for _, st := range streams {
		st.cancelAndRead(t)
	}
	start := time.Now()
	if err := stmt.Close(); err == nil {
		t.Error("a statement is closed without the server")
	}
	if took := time.Since(start); took > 2*time.Second+slack {
		t.Errorf("closing a statement took %v", took)
	}
}

func (s *suite) overruns(t *testing.T, calls map[string]call) {
	t.Helper()
	var longest time.Duration
	var which string
	for name, call := range calls {
		if late := overrun(t, name, call); late > longest {
			longest, which = late, name
		}
	}
	t.Logf("latest return: %v after the deadline (%s)", longest, which)
}

// testFinishedCallsDeadline: a context that ends after its call was served harms
// no caller. The statements that follow run longer than the grace of a deadline.
func (s *suite) testFinishedCallsDeadline(t *testing.T) {
	c := s.connect(t)
	for _, name := range callNames {
		ctx, cancel := context.WithCancel(context.Background())
		if err := s.calls(t, c)[name](ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "begin" {
			exec(t, c, "ROLLBACK")
			c = s.connect(t)
			cancel()
			continue
		}
		cancel()
		exec(t, c, "SELECT pg_sleep(0.1)")
		if err := c.Alive(); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}

	connector, err := s.connector(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := tx.Exec("SELECT pg_sleep(0.1)"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
