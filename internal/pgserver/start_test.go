//go:build unix

package pgserver

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers that are given our connection strings
	_ "github.com/lib/pq"
)

func TestServerAcceptsConnectionsOnTCPAndSocketInBothForms(t *testing.T) {
	s := Shared(t)
	for name, dsn := range map[string]string{
		"tcp url": s.TCP().URL("postgres"), "tcp key=value": s.TCP().KeyValue("postgres"),
		"socket url": s.Socket().URL("postgres"), "socket key=value": s.Socket().KeyValue("postgres"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, driver := range []string{"pgx", "postgres"} {
				db, err := sql.Open(driver, dsn)
				must(t, err)
				var overTCP bool
				must(t, db.QueryRowContext(limited(t), "SELECT inet_client_addr() IS NOT NULL").Scan(&overTCP))
				if want := strings.HasPrefix(name, "tcp"); overTCP != want {
					t.Errorf("%s: over TCP: %v, want %v", driver, overTCP, want)
				}
				must(t, db.Close())
			}
		})
	}
}

func TestOptionsReachTheServer(t *testing.T) {
	s := Run(t, Options{MaxConnections: 17, Durable: true, Settings: map[string]string{"work_mem": "5MB", "application_name": `it's \a tab`}})
	for setting, want := range map[string]string{
		"max_connections": "17", "fsync": "on", "work_mem": "5MB", "full_page_writes": "on",
		"listen_addresses": "127.0.0.1", "shared_preload_libraries": "pg_stat_statements",
	} {
		if got := one(t, s.Console, "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := one(t, s.Console, "SELECT boot_val IS NOT NULL AND reset_val <> '' FROM pg_settings WHERE name = 'application_name'"); got != "t" {
		t.Error("application_name was not set")
	}
}

func TestWrongSettingFailsWithTheServersWords(t *testing.T) {
	s, err := Start(limited(t), Options{Settings: map[string]string{"no_such_setting": "1"}})
	if err == nil {
		t.Fatalf("started: %v", s.Close())
	}
	if !strings.Contains(err.Error(), `unrecognized configuration parameter "no_such_setting"`) {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestPasswordIsNeededOnTCPAndCanBeRotated(t *testing.T) {
	s := Run(t, Options{PasswordAuth: true})
	ctx := limited(t)
	first := s.DSN("postgres")
	connect(t, first)
	wrong := s.TCP()
	wrong.Password = "wrong"
	if err := NewConsole(wrong.URL("postgres")).Exec(ctx, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password: %v, want SQLSTATE 28P01", err)
	}
	must(t, s.SetPassword(ctx, "n'ew p\\w"))
	connect(t, s.TCP().URL("postgres"))
	connect(t, s.TCP().KeyValue("postgres"))
	if err := NewConsole(first).Exec(ctx, "SELECT 1"); err == nil {
		t.Error("the old password still works")
	}
}

func TestTLSVerifiesInFull(t *testing.T) {
	s := Run(t, Options{TLS: true})
	dsn := s.DSN("postgres")
	if !strings.Contains(dsn, "sslmode=verify-full") {
		t.Errorf("%s does not verify the server", dsn)
	}
	for dsn, want := range map[string]bool{
		dsn: true, s.TCP().With("sslmode", "require").KeyValue("postgres"): true, s.TCP().With("sslmode", "disable").URL("postgres"): false,
	} {
		var encrypted bool
		must(t, connect(t, dsn).QueryRow(limited(t), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted))
		if encrypted != want {
			t.Errorf("%s: encrypted %v, want %v", dsn, encrypted, want)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := Start(limited(t), Options{})
	must(t, err)
	pid := s.post.pid
	must(t, s.Close())
	must(t, s.Close())
	if !processGone(pid) || !folderGone(s.dir) || len(s.processes()) > 0 {
		t.Errorf("left: postmaster %v, folder %v, processes %v", !processGone(pid), !folderGone(s.dir), s.processes())
	}
}

func TestFolderAvoidsWhatTheServerCannotUse(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 90))
	must(t, os.Mkdir(deep, 0o777))
	t.Setenv("TMPDIR", deep)
	if got := (account{}).base(); got != "/tmp" {
		t.Errorf("a path too long for a socket gives %s, want /tmp", got)
	}
	closed, err := os.MkdirTemp("/tmp", "closed")
	must(t, err)
	t.Cleanup(func() { _ = os.Remove(closed) })
	t.Setenv("TMPDIR", closed)
	if got := (account{switching: true}).base(); got != "/tmp" {
		t.Errorf("a folder that the server's user cannot enter gives %s, want /tmp", got)
	}
	if got := (account{}).base(); got != closed {
		t.Errorf("without a change of user: %s, want %s", got, closed)
	}
}
