package contract

import (
	"context"
	"fmt"
	"net/url"
	"testing"
)

// What the adapter says of the server's side is what the server says.
func (s *suite) testBackend(t *testing.T) {
	c := s.connect(t)
	pid, server, role := c.Backend()
	if want := s.backend(t); fmt.Sprint(pid) != want {
		t.Errorf("the backend is %d, and the server calls it %s", pid, want)
	}
	u, err := url.Parse(s.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	if server != u.Host {
		t.Errorf("the server is %q, want %q", server, u.Host)
	}
	want := "primary"
	if rows, err := s.server.Query(context.Background(), "SELECT 1 FROM pg_settings WHERE name = 'in_hot_standby'"); err != nil {
		t.Fatal(err)
	} else if len(rows) == 0 {
		want = "" // before PostgreSQL 14 the server does not say
	}
	if role != want {
		t.Errorf("the role is %q, want %q", role, want)
	}
}

func (s *suite) testRunning(t *testing.T) {
	c := s.connect(t)
	if c.Running() {
		t.Error("running after the connect")
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		_, err := c.ExecContext(ctx, "SELECT pg_advisory_lock(1), pg_sleep(3600)", nil)
		ended <- err
	}()
	eventually(t, "the statement to run on the server", func() bool {
		rows, err := s.server.Query(context.Background(), "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted")
		return err == nil && len(rows) == 1
	})
	if !c.Running() {
		t.Error("a statement runs, and the connection says that it does not")
	}
	s.terminate(t)
	if err := <-ended; err == nil {
		t.Error("the statement of a terminated backend succeeds")
	}

	c = s.connect(t)
	rows, err := c.QueryContext(context.Background(), "SELECT generate_series(1, 3)", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Running() {
		t.Error("the rows are there to be read, and the connection says that the server is at work")
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	if c.Running() {
		t.Error("the rows are closed, and the connection says that the server is at work")
	}
	if n := testing.AllocsPerRun(100, func() { c.Running() }); n != 0 {
		t.Errorf("asking allocates %v times", n)
	}
}

// backend returns the process of the only session that the test has on the server.
func (s *suite) backend(t *testing.T) string {
	t.Helper()
	rows, err := s.server.Query(context.Background(), "SELECT pid FROM pg_stat_activity WHERE application_name = '"+t.Name()+"'")
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v sessions, %v", rows, err)
	}
	return rows[0][0]
}
