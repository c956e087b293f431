//go:build unix

package patroni

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A cluster is whole again after its leader was killed and its standby frozen, and leaves no process and no folder.
func TestAClusterIsWholeAgainAndLeavesNothing(t *testing.T) {
	if os.Getenv("SQLPOOL_CLUSTER") == "" {
		t.Skip("it needs Patroni, etcd and HAProxy, and takes a minute: make cluster runs it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	c, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	standing, err := c.Standing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port, end, err := c.Balance(ctx, Balancer{Cuts: true, Checks: "inter 1s fall 2 rise 1"})
	if err != nil || port == 0 {
		t.Fatal(port, err)
	}
	for _, step := range []func() error{standing.Sync.Freeze, standing.Leader.KillPatroni, standing.Leader.KillPostmaster, standing.Sync.Thaw, end} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	// The synchronous standby alone has all commits.
	for now, err := c.Standing(ctx); now.Leader != standing.Sync; now, err = c.Standing(ctx) {
		if over := pause(ctx); over != nil {
			t.Fatal(over, err)
		}
		if now.Leader != nil && now.Leader != standing.Leader {
			t.Fatalf("%s leads, want %s", now.Leader.Name, standing.Sync.Name)
		}
	}
	if err := errors.Join(standing.Leader.Start(), c.Whole(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left := processes(c.dir); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// processes are the command lines that name a cluster's folder.
func processes(dir string) (lines []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(filepath.Base(dir))) {
			lines = append(lines, string(text))
		}
	}
	return lines
}
