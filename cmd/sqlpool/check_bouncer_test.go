package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// bouncer runs a PgBouncer in front of a server for one test, with further lines of configuration, and returns its port.
func bouncer(t *testing.T, server *pgserver.Server, settings string) int {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // where Debian puts it, which is not on every user's PATH
	}
	dir := t.TempDir()
	for _, parent := range []string{dir, filepath.Dir(dir)} { // it may run as another user
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	users, config := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
		"unix_socket_dir =\nauth_type = trust\nauth_file = %s\n%s\n", server.TCP().Port, port, users, settings)
	for file, text := range map[string]string{users: "\"postgres\" \"\"\n\"app\" \"\"\n", config: text} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, config)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: unprivileged(t)}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("PgBouncer: %v (make test installs it)", err)
	}
	ended, up := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), "process up") {
				close(up)
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case <-up:
	case <-ended:
		t.Fatal("PgBouncer ended")
	case <-time.After(time.Minute):
		t.Fatal("PgBouncer does not come up")
	}
	return port
}

// unprivileged is who runs PgBouncer, which refuses root.
func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, errUID := strconv.ParseUint(who.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(who.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatal(who.Uid, who.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func TestCheckSeesThePooler(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	database := server.NewDatabase(t)
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, settings, user, params     string
		mode, prepared, product, advised string
	}{
		{"transaction", "pool_mode = transaction", "app", "", "transaction", "no", "", "statements session_state"},
		{"transaction with statements as text", "pool_mode = transaction", "app", "&pool_statements=text", "transaction", "no", "", "session_state"},
		{"transaction, servers in turn", "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 3", "app", "", "transaction", "*", "", "statements session_state"},
		{"transaction, asked by an operator", "pool_mode = transaction\nstats_users = app", "app", "", "transaction", "no", "PgBouncer", "statements session_state"},
		{"session", "pool_mode = session", "app", "", "session", "yes", "", ""},
		{"session, one server connection", "pool_mode = session\ndefault_pool_size = 1", "app", "", "unknown", "unknown", "", ""},
		{"statement", "pool_mode = statement", "app", "", "statement", "no", "", "statements session_state"},
	} {
		t.Run(test.name, func(t *testing.T) {
			through := server.TCP()
			through.User, through.Port = test.user, bouncer(t, server, test.settings)
			found := checked(t, exitOK, through.URL(database)+test.params)
			p := found.Pooler
			if p == nil || !p.Present || p.Mode != test.mode || test.prepared != "*" && p.Prepared != test.prepared || !strings.HasPrefix(p.Product, test.product) {
				t.Errorf("got %+v", p)
			}
			if test.product != "" && p.Config["pool_mode"] != "transaction" {
				t.Errorf("its console says %v", p.Config)
			}
			if got := ids(found, change) + ids(found, consider, "session_state"); strings.TrimSpace(got) != test.advised {
				t.Errorf("advised: %q, want %q", got, test.advised)
			}
			left, err := server.In(database).Query(context.Background(), "SELECT name FROM pg_prepared_statements")
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}

	through := server.TCP()
	through.Port = bouncer(t, server, "pool_mode = session")
	found := checked(t, exitFailed, through.With("statement_timeout", "1s").URL(database))
	for _, d := range found.Drivers {
		if !strings.Contains(d.Error, "refuses a startup parameter") || !strings.Contains(d.Remedy, "ignore_startup_parameters") {
			t.Errorf("a parameter that PgBouncer does not know: %+v", d)
		}
	}
}
