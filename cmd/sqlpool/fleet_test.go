package main

import (
	"context"
	"database/sql"
	"fmt"
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

// check reads the group without joining it, and adds up what its members have.
func TestCheckAddsUpTheFleet(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{MaxConnections: 60})
	dsn := server.DSN("postgres") + "&pool_fleet_interval=200ms&pool_sweep_interval=20ms&pool_fleet=orders&pool_fleet_max_conns="
	var members []*sql.DB
	for range 3 {
		db, err := sql.Open(drivers.PQ, dsn+"40")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		members = append(members, db)
	}
	f, ok := drivers.FleetOf(members[0])
	if !ok {
		t.Fatal("no fleet")
	}
	for deadline := time.Now().Add(20 * time.Second); len(f.Status().Members) < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", f.Status())
		}
	}
	found := checked(t, exitOK, dsn+"40", "--instances", "12")
	got := found.Fleet
	if got == nil || got.Group != "orders" || got.Limit != 40 || len(got.Members) != 3 {
		t.Fatalf("%+v", got)
	}
	sum := 0
	for _, m := range got.Members {
		sum += m.Share
		if m.Open < 1 || m.Self {
			t.Errorf("%+v", m)
		}
	}
	if got.Free != 40-sum || strings.Contains(ids(found, change), "max_conns") || strings.Contains(ids(found, change), "fleet") {
		t.Errorf("%+v; %+v", got, found.Advice)
	}
	if found = checked(t, exitOK, dsn+"100"); !strings.Contains(ids(found, change), "fleet") {
		t.Errorf("100 of 60 connections: %+v", found.Advice)
	}
	if found = checked(t, exitOK, dsn+"40", "--instances", "50"); !strings.Contains(ids(found, change), "fleet") {
		t.Errorf("50 instances: %+v", found.Advice)
	}
	_, text, _ := start(t, nil, "check", dsn+"40")
	if !strings.Contains(text, `fleet   "orders": 3 processes share 40 connections`) || !strings.Contains(text, fmt.Sprintf("%08x", got.Members[0].ID)) {
		t.Error(text)
	}
}
