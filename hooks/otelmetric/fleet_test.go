package otelmetric_test

import (
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/otelmetric"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestTheSharedLimit(t *testing.T) {
	m, reader := newMetrics(t)
	server := pgserver.Shared(t)
	connector, err := libpq.Connector(server.DSN(server.NewDatabase(t)))
	must(t, err)
	f := fleet.New(fleet.Config{Group: "orders", MaxConns: 20, Interval: 200 * time.Millisecond})
	newPool(t, sqlpool.Config{
		Name: "orders", Connector: connector, MaxConns: 20, MinIdle: 1, SweepInterval: 20 * time.Millisecond,
		Hooks: []sqlpool.Hooks{f.Hooks(), m.HooksOf(otelmetric.Sources{Fleet: f})},
	})
	for deadline := time.Now().Add(20 * time.Second); f.Status().Share < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", f.Status())
		}
	}
	s := f.Status() // alone and idle, it changes no more
	all := collected(t, reader)
	for name, want := range map[string]int{"max": 20, "share": s.Share, "wanted": s.Want, "free": s.Free, "members": 1} {
		g, ok := all["sqlpool.fleet."+name].Data.(metricdata.Gauge[int64])
		if !ok || len(g.DataPoints) != 1 || g.DataPoints[0].Value != int64(want) {
			t.Errorf("%s: %+v, want %d", name, all["sqlpool.fleet."+name].Data, want)
		}
	}
}
