//go:build unix

package pgserver

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestRestartKeepsPortAndData(t *testing.T) {
	for name, mode := range map[string]Mode{"fast": Fast, "immediate": Immediate} {
		t.Run(name, func(t *testing.T) {
			s := Run(t, Options{})
			ctx := limited(t)
			dsn := s.DSN("postgres")
			must(t, s.Exec(ctx, "CREATE TABLE kept (v int); INSERT INTO kept VALUES (42)"))
			before := connect(t, dsn)
			must(t, s.Restart(ctx, mode))
			if _, err := before.Exec(ctx, "SELECT 1"); err == nil {
				t.Error("a session survived the restart")
			}
			if got := one(t, NewConsole(dsn), "SELECT v FROM kept"); got != "42" {
				t.Errorf("the table holds %s", got)
			}
		})
	}
}

func TestStoppedServerRefusesUntilStarted(t *testing.T) {
	s := Run(t, Options{})
	ctx := limited(t)
	must(t, s.Stop(ctx, Fast))
	must(t, s.Stop(ctx, Fast))
	var dial *pgconn.ConnectError
	if err := s.Exec(ctx, "SELECT 1"); !errors.As(err, &dial) {
		t.Errorf("a stopped server: %v, want a connect error", err)
	}
	if err := s.KillPostmaster(); !errors.Is(err, errNotRunning) {
		t.Errorf("killing a stopped server: %v", err)
	}
	must(t, s.Start(ctx))
	must(t, s.Exec(ctx, "SELECT 1"))
	if err := s.Start(ctx); err == nil {
		t.Error("started twice")
	}
}

// Why fsync may be off in tests that kill: what was acknowledged is in the kernel's hands.
func TestAcknowledgedCommitOutlivesKilledPostmasterAndBusyBackend(t *testing.T) {
	s := Run(t, Options{})
	ctx := limited(t)
	must(t, s.Exec(ctx, "CREATE TABLE ledger (token int)"))
	busy := connect(t, s.DSN("postgres"))
	// A busy loop does not look at the postmaster's death: the backend is left over.
	go func() { _, _ = busy.Exec(context.Background(), "DO $$BEGIN LOOP END LOOP; END$$") }()
	eventually(t, "the loop runs", func() bool {
		sessions, err := s.Activity(ctx)
		must(t, err)
		return len(sessions) == 1 && sessions[0].State == "active"
	})
	must(t, s.Exec(ctx, "INSERT INTO ledger SELECT generate_series(1, 1000)"))
	pid := int(busy.PgConn().PID())
	must(t, s.KillPostmaster())
	if processGone(pid) {
		t.Fatal("the busy backend did not outlive its postmaster: this test shows nothing")
	}
	must(t, s.Start(ctx))
	if !processGone(pid) {
		t.Errorf("backend %d is still there", pid)
	}
	if got := one(t, s.Console, "SELECT count(*) FROM ledger"); got != "1000" {
		t.Errorf("%s of 1000 acknowledged rows are left", got)
	}
}

func TestKilledBackendTakesAllDownAndTheServerRecovers(t *testing.T) {
	s := Run(t, Options{})
	for name, kill := range map[string]func(pid int) error{
		"one": s.KillBackend,
		"all": func(int) error { return s.KillAllBackends(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := limited(t)
			victim, witness := connect(t, s.DSN("postgres")), connect(t, s.DSN("postgres"))
			must(t, kill(int(victim.PgConn().PID())))
			must(t, s.WaitReady(ctx))
			must(t, s.Exec(ctx, "SELECT 1"))
			if _, err := witness.Exec(ctx, "SELECT 1"); err == nil {
				t.Error("the other session survived")
			}
		})
	}
	if err := s.KillBackend(1); err == nil || !strings.Contains(err.Error(), "not a backend") {
		t.Errorf("killing a process of another program: %v", err)
	}
}

func TestTerminateEndsOnlyTheSessionsItNames(t *testing.T) {
	s := Shared(t)
	ctx := limited(t)
	victim := connect(t, s.TCP().With("application_name", "victim").URL("postgres"))
	witness := connect(t, s.TCP().With("application_name", "witness").URL("postgres"))
	if n, err := s.Terminate(ctx, Filter{Application: "victim"}); n != 1 || err != nil {
		t.Errorf("terminated %d, %v; want 1", n, err)
	}
	if _, err := victim.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("the victim survived")
	}
	_, err := witness.Exec(ctx, "SELECT 1")
	must(t, err)
}

func TestPausedServerIsSilentUntilResumed(t *testing.T) {
	s := Run(t, Options{})
	conn := connect(t, s.DSN("postgres"))
	must(t, s.Pause())
	for _, pid := range s.processes() {
		eventually(t, "every process is stopped", func() bool { return stopped(t, pid) })
	}
	answer := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT 1")
		answer <- err
	}()
	// A new session hangs as well, until its own deadline.
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Exec(short, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dialing a paused server: %v, want the deadline", err)
	}
	select {
	case err := <-answer:
		t.Fatalf("a paused server answered: %v", err)
	default:
	}
	must(t, s.Resume())
	select {
	case err := <-answer:
		must(t, err)
	case <-limited(t).Done():
		t.Fatal("no answer after Resume")
	}
}

func TestPausedServerCanBeClosed(t *testing.T) {
	s := Run(t, Options{})
	must(t, s.Pause())
	must(t, s.Close())
}

// stopped asks ps or /proc, whichever is there.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	state, err := processState(pid)
	if errors.Is(err, syscall.ESRCH) {
		return false
	}
	must(t, err)
	return strings.HasPrefix(state, "T")
}
