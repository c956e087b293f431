//go:build unix

package pgserver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// limited bounds a test's waiting, so that a hang names its place.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(limited(t), dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func one(t *testing.T, c *Console, sql string) string {
	t.Helper()
	rows, err := c.Query(limited(t), sql)
	must(t, err)
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s returned %q, not one value", sql, rows)
	}
	return rows[0][0]
}

// eventually asks until it holds: for the ends of other processes, of which there is no event.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := limited(t)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("still not so: %s", what)
		}
	}
}

// processGone also takes a zombie for gone: an orphan that has ended, but that a container's first process is slow, or never
// comes, to collect.
func processGone(pid int) bool {
	state, err := processState(pid)
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || (err == nil && strings.HasPrefix(state, "Z"))
}

func folderGone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}
