package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// A pooler shares connections itself, and what its clients lock does not stay with
// them: a fleet behind one is refused, with the reason.
func TestAFleetBehindAPoolerIsRefused(t *testing.T) {
	server := pgserver.Shared(t)
	behind := server.TCP()
	behind.Port = bouncer(t, server, "pool_mode = transaction\n")
	for _, name := range []string{drivers.PGX, drivers.PQ} {
		t.Run(name, func(t *testing.T) {
			h, err := drivers.Open(name, behind.URL("postgres")+"&pool_fleet_max_conns=20&pool_fleet=orders")
			if err != nil {
				t.Fatal(err)
			}
			defer h.DB.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err = h.DB.ExecContext(ctx, "SELECT 1")
			if err == nil || !strings.Contains(err.Error(), "pooler") || !strings.Contains(err.Error(), `"orders"`) || !strings.Contains(err.Error(), "max_db_connections") {
				t.Errorf("%v", err)
			}
		})
	}
}
