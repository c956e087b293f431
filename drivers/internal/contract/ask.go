package contract

import (
	"context"
	"testing"
	"time"
)

// backends counts the server's backends for this test, and of those the ones
// that run a statement.
func (s *suite) backends(t *testing.T) (open, active int) {
	t.Helper()
	rows, err := s.server.Query(context.Background(),
		"SELECT state FROM pg_stat_activity WHERE application_name = '"+t.Name()+"'")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		open++
		if row[0] == "active" {
			active++
		}
	}
	return open, active
}

// terminate ends this test's backends, as an administrator would.
func (s *suite) terminate(t *testing.T) {
	t.Helper()
	_, err := s.server.Query(context.Background(),
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"+t.Name()+"'")
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
		time.Sleep(time.Millisecond)
	}
}

func exec(t *testing.T, c Conn, query string) {
	t.Helper()
	if _, err := c.ExecContext(context.Background(), query, nil); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
