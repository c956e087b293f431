//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startLimit is far above what a start takes (under a second, or a few with initdb): a machine that needs longer hangs.
const startLimit = 2 * time.Minute

// Run starts a private server for one test (or benchmark) and closes it at its end. Without PostgreSQL on the machine the
// test fails, saying what to install: a test that needs a server is never skipped. If the test fails, the end of the
// server's log is part of its output.
func Run(t testing.TB, o Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			said := s.log.since(s.log.next() - 40)
			t.Logf("the end of the server's log:\n%s", lines(said))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var shared = sync.OnceValues(func() (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return Start(ctx, Options{})
})

// Shared returns the test binary's own private server, started at the first call; the watchdog removes it when the binary
// ends, so no TestMain is needed. Tests may fill it and question it; one that stops or breaks it uses [Run].
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// DSN returns a connection string for the tests' server: SQLPOOL_TEST_DSN if it is set, else the database postgres of
// [Shared].
func DSN(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv("SQLPOOL_TEST_DSN"); dsn != "" {
		return dsn
	}
	return Shared(t).DSN("postgres")
}

// Database creates an empty database on the tests' server (see [DSN]) and returns its connection string. The database is
// dropped at the end of the test, even if clients are still connected to it.
func Database(t testing.TB) (dsn string) {
	t.Helper()
	dsn, err := inDatabase(DSN(t), newDatabase(t, NewConsole(DSN(t))))
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// NewDatabase creates an empty database on this server for one test and returns its name.
func (s *Server) NewDatabase(t testing.TB) (name string) {
	t.Helper()
	return newDatabase(t, s.Console)
}

var (
	databases atomic.Int64
	unusual   = regexp.MustCompile(`[^a-z0-9]+`)
)

func newDatabase(t testing.TB, c *Console) string {
	t.Helper()
	// The process's number keeps test binaries apart that share SQLPOOL_TEST_DSN; 63 bytes is PostgreSQL's longest name.
	name := fmt.Sprintf("t%d_%d_%s", os.Getpid(), databases.Add(1), unusual.ReplaceAllString(strings.ToLower(t.Name()), "_"))
	name = name[:min(len(name), 63)]
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := c.Exec(ctx, "CREATE DATABASE "+quoteName(name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		if err := c.Exec(ctx, "DROP DATABASE "+quoteName(name)+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return name
}
