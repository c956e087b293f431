package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/fleet"
)

// lookAtFleet reads the group whose limit the pool would share. It is nil without one, and what keeps it from being read
// becomes a note of the server.
func lookAtFleet(ctx context.Context, conn *sql.Conn, name, dsn string, server *serverCheck) *fleet.Status {
	db, err := sql.Open(poolDrivers[name], dsn)
	if err != nil { // read once already, by Validate
		return nil
	}
	defer func() { _ = db.Close() }()
	f, ok := drivers.FleetOf(db)
	if !ok {
		return nil
	}
	group, err := f.Look(ctx, conn)
	if err != nil {
		server.Notes = append(server.Notes, err.Error())
	}
	return &group
}

func writeFleet(b *strings.Builder, f *fleet.Status) {
	fmt.Fprintf(b, "\nfleet   %q: %d processes share %d connections, %d are free\n", f.Group, len(f.Members), f.Limit, max(f.Free, 0))
	if len(f.Members) > 0 {
		fmt.Fprintf(b, "        %-16s %5s %7s %8s\n", "process", "open", "share", "wanted")
	}
	for _, m := range f.Members {
		fmt.Fprintf(b, "        %-16s %5d %7d %8d\n", fmt.Sprintf("%08x", m.ID), m.Open, m.Share, m.Want)
	}
}

func adviseFleet(r *checkResult) *advice {
	if r.Fleet == nil || r.Server.MaxConnections == 0 {
		return nil
	}
	if r.shares() {
		return &advice{
			"fleet", change, "no pool_fleet_max_conns",
			"the pooler in between shares connections itself, and the pool refuses to share a limit through it; set the pooler's limit instead (max_db_connections of PgBouncer)",
		}
	}
	usable, bound := r.Server.usable()
	spare := max(3, usable/10)
	room := max(usable-r.Server.byOthers()-spare, 2)
	switch {
	case r.Fleet.Limit > room:
		return &advice{
			"fleet", change, fmt.Sprintf("pool_fleet_max_conns=%d", room),
			fmt.Sprintf("all pools of group %q together may have %d connections; of %d (%s) other roles use %d now, and %d should stay free",
				r.Fleet.Group, r.Fleet.Limit, usable, bound, r.Server.byOthers(), spare),
		}
	case max(r.Instances, len(r.Fleet.Members)) > r.Fleet.Limit:
		return &advice{
			"fleet", change, "fewer instances, or a pooler in front of them",
			fmt.Sprintf("%d instances share %d connections: each has one at least, so they exceed the limit", max(r.Instances, len(r.Fleet.Members)), r.Fleet.Limit),
		}
	}
	return nil
}
