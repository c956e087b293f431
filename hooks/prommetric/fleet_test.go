package prommetric_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/prommetric"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// Two pools of one name are members of one fleet: its limit is not added up.
func TestTheSharedLimit(t *testing.T) {
	m := prommetric.New(prommetric.Options{})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	server := pgserver.Shared(t)
	dsn := server.DSN(server.NewDatabase(t))
	var all []*fleet.Fleet
	for range 2 {
		connector, err := libpq.Connector(dsn)
		must(t, err)
		f := fleet.New(fleet.Config{Group: "orders", MaxConns: 20, Interval: 200 * time.Millisecond})
		p, err := sqlpool.New(sqlpool.Config{
			Name: "orders", Connector: connector, MaxConns: 20, MinIdle: 1, SweepInterval: 20 * time.Millisecond,
			Hooks: []sqlpool.Hooks{f.Hooks(), m.HooksOf(prommetric.Sources{Fleet: f})},
		})
		must(t, err)
		t.Cleanup(func() { _ = p.Close() })
		all = append(all, f)
	}
	want := func() string {
		s := all[1].Status()
		text := ""
		for _, g := range []struct {
			name, help string
			value      int
		}{
			{"connections_max", "The most connections that all pools of the group may have together.", 20},
			{"free", "Of those, how many no pool may take without asking; negative above the maximum.", s.Free},
			{"members", "The pools of the group.", 2},
			{"share", "Of those, how many this pool may have now.", s.Share},
			{"wanted", "How many this pool would like to have.", s.Want},
		} {
			text += fmt.Sprintf("# HELP sqlpool_fleet_%s %s\n# TYPE sqlpool_fleet_%[1]s gauge\nsqlpool_fleet_%[1]s{pool=\"orders\"} %[3]d\n", g.name, g.help, g.value)
		}
		return text
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := testutil.GatherAndCompare(registry, strings.NewReader(want()),
			"sqlpool_fleet_connections_max", "sqlpool_fleet_free", "sqlpool_fleet_members", "sqlpool_fleet_share", "sqlpool_fleet_wanted")
		if s := all[1].Status(); err == nil && s.Share > 1 && s.Free < 20 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
