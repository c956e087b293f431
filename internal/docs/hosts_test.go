package docs

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"
)

// The guide's table of several hosts is what the drivers in go.mod make of them.
func TestSeveralHostsWithEachDriver(t *testing.T) {
	guide := read(t, filepath.Join(root, "docs", "poolers-and-failover.md"))
	for _, c := range []struct{ written, pgx, pq string }{
		{"postgres://db1:5432,db2:5433/orders", "db1 5432, db2 5433", "db1:5432 5432, db2:5433 5432"},
		{"postgres://db1,db2:5433/orders", "db1 5432, db2 5433", "db1 5433, db2 5433"},
		{"postgres://db1,db2/orders?port=5432,5433", "db1 5432, db2 5433", "db1 5432, db2 5433"},
		{"hostaddr=10.0.0.1,10.0.0.2", "sends hostaddr", "10.0.0.1 5432, 10.0.0.2 5432"},
		{"load_balance_hosts=random", "sends load_balance_hosts", "random"},
		{"host=/run/postgresql,db2", "/run/postgresql 5432, db2 5432 TLS", "/run/postgresql 5432, db2 5432"},
	} {
		if !strings.Contains(guide, "\n| `"+c.written+"` | ") {
			t.Errorf("the guide has no row for %s", c.written)
		}
		dsn := c.written
		if strings.Contains(dsn, "://") {
			separator := "?"
			if strings.Contains(dsn, "?") {
				separator = "&"
			}
			dsn += separator + "sslmode=disable"
		} else {
			dsn += " user=app sslmode=verify-full"
		}
		if got := pgxHosts(t, dsn); !strings.Contains(got, c.pgx) {
			t.Errorf("%s: pgx reads %s", dsn, got)
		}
		if got := pqHosts(t, dsn); !strings.Contains(got, c.pq) || strings.Contains(got, "TLS") && strings.HasPrefix(c.pq, "/") {
			t.Errorf("%s: lib/pq reads %s", dsn, got)
		}
	}
}

func pgxHosts(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name string, port uint16, secure bool) string {
		if secure {
			return fmt.Sprintf("%s %d TLS", name, port)
		}
		return fmt.Sprintf("%s %d", name, port)
	}
	all := []string{host(cfg.Host, cfg.Port, cfg.TLSConfig != nil)}
	for _, f := range cfg.Fallbacks {
		all = append(all, host(f.Host, f.Port, f.TLSConfig != nil))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.RuntimeParams)) {
		all = append(all, "sends "+name)
	}
	return strings.Join(slices.Compact(all), ", ")
}

func pqHosts(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	first := pq.ConfigMultihost{Host: cfg.Host, Hostaddr: cfg.Hostaddr, Port: cfg.Port}
	var text []string
	for _, h := range append([]pq.ConfigMultihost{first}, cfg.Multi...) {
		name := h.Host
		if h.Hostaddr.IsValid() {
			name = h.Hostaddr.String()
		}
		text = append(text, fmt.Sprintf("%s %d", name, h.Port))
	}
	text = append(text, string(cfg.LoadBalanceHosts))
	if cfg.SSLMode != pq.SSLModeDisable {
		text = append(text, "TLS")
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Runtime)) {
		text = append(text, "sends "+name)
	}
	return strings.Join(text, ", ")
}
