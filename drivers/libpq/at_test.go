package libpq

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lib/pq"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// led is where a connector leads, with what the connection string says beside its hosts.
func led(t *testing.T, dsn, host string, port uint16) string {
	t.Helper()
	c, err := Connector(dsn, at(host, port))
	if err != nil {
		return err.Error()
	}
	cfg := c.(*connector).source.Last()
	told := fmt.Sprintf("%s %s/%s/%s", c.(*connector).Address(), cfg.User, cfg.Password, cfg.Database)
	if cfg.SSLMode != pq.SSLModeDisable {
		told += " " + string(cfg.SSLMode)
	}
	if c.(*connector).ReadWrite() || cfg.TargetSessionAttrs != pq.TargetSessionAttrsAny {
		told += " of one kind"
	}
	if len(cfg.Multi) > 0 || cfg.Hostaddr.IsValid() {
		told += fmt.Sprintf(" or %v %v", cfg.Multi, cfg.Hostaddr)
	}
	return told
}

// All but the hosts is the connection string's, however it is written.
func TestAConnectorThatLeadsElsewhere(t *testing.T) {
	service := file(t, "service", "[s]\nhost=db1\nport=5433\nuser=u\ndbname=d\ntarget_session_attrs=read-write\n")
	for _, c := range []struct {
		dsn, env, host string
		port           uint16
		want           string
	}{
		{"postgres://u:p@db1:5433/d?sslmode=disable&target_session_attrs=read-write", "", "db2", 0, "db2:5433 u/p/d"},
		{"postgres://u:p@db1/d", "", "db2", 1, "db2:1 u/p/d"},
		{"postgres://u:p@db1/d?sslmode=verify-full", "", "::1", 0, "[::1]:5432 u/p/d verify-full"},
		{"host=db1,db3 hostaddr=10.0.0.1,10.0.0.3 port=5433 user=u password=p dbname=d sslmode=disable target_session_attrs=primary", "", "db2", 0, "db2:5433 u/p/d"},
		{"host=db1 user=u dbname=d sslmode=require password='p p' ", "", "db2", 0, "db2:5432 u/p p/d require"},
		{"host=/run/pg1 user=u password=p dbname=d sslmode=require", "", "/run/pg2", 5433, "/run/pg2:5433 u/p/d"},
		{"user=u dbname=d sslmode=disable", "PGHOST=db1,db3 PGHOSTADDR=10.0.0.1,10.0.0.3 PGPORT=5433 PGTARGETSESSIONATTRS=read-write", "db2", 0, "db2:5433 u//d"},
		{"service=s sslmode=disable password=p", "PGHOST=db4,db5 PGSERVICEFILE=" + service, "db2", 0, "db2:5433 u/p/d"},
		{"host=db1,db3 port=1,2 user=u sslmode=disable", "", "db2", 0, "libpq: the hosts of the connection string have different ports; give db2 a port (db2:5432)"},
		{"host=/run/pg1 user=u sslmode=require", "", "db2", 0, "libpq: the host of the connection string is a Unix socket, and this one is not, so that nothing is said of its TLS; give all of them hosts, or all of them directories of Unix sockets"},
		{"host=db1 hostaddr=10.0.0.1 user=u sslmode=disable", "", "/run/pg2", 0, "libpq: it is a Unix socket, and the host of the connection string is not; give all of them hosts, or all of them directories of Unix sockets"},
	} {
		t.Run("", func(t *testing.T) {
			for _, v := range append(strings.Fields(c.env), "PGPASSFILE="+os.DevNull) {
				name, value, _ := strings.Cut(v, "=")
				t.Setenv(name, value)
			}
			if got := led(t, c.dsn, c.host, c.port); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") {
				t.Errorf("%s at %s leads to\n%s, want\n%s", c.dsn, c.host, got, c.want)
			}
		})
	}
}
