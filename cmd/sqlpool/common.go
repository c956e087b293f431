package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sqlpool/go/internal/pgserver"
)

// output is the flags of every verb that works through drivers; a verb embeds it.
type output struct {
	Driver string `enum:"pgx,pq,both" default:"both" help:"Driver under the pool: pgx, pq (lib/pq) or both, one after the other."`
	JSON   bool   `name:"json" help:"Write the result as one JSON object on standard output, and nothing else there."`
}

// common is output with a database.
type common struct {
	output
	DSN string `name:"dsn" placeholder:"DSN" help:"Database to use, as a URL or key=value. Without it, a private PostgreSQL is started and removed again. Keep a password in PGPASSWORD or a passfile instead."`
}

// drivers are the drivers to use, in order.
func (c output) drivers() []driverUnderTest {
	var picked []driverUnderTest
	for _, d := range allDrivers {
		if c.Driver == d.name || c.Driver == "both" {
			picked = append(picked, d)
		}
	}
	return picked
}

// validate finds out whether the drivers can read the DSN, which is the command line's fault, not the database's.
func (c common) validate() error {
	if c.DSN == "" {
		return nil
	}
	var all error
	for _, d := range c.drivers() {
		if _, err := d.connector(c.DSN, ""); err != nil {
			all = errors.Join(all, fmt.Errorf("--dsn for %s: %w", d.name, err))
		}
	}
	return all
}

// target is the database that a verb works in.
type target struct {
	dsn    string
	server *pgserver.Server // nil if the user named the database
	*pgserver.Console
}

// open starts a private server for that many connections, or takes the user's database. The caller closes it.
func (c common) open(ctx context.Context, connections int) (*target, error) {
	if c.DSN != "" {
		return &target{dsn: c.DSN, Console: pgserver.NewConsole(c.DSN)}, nil
	}
	const others = 20 // ours, the server's reserve, and backends that are still ending
	server, err := pgserver.Start(ctx, pgserver.Options{MaxConnections: connections + others})
	if err != nil {
		return nil, fmt.Errorf("starting a private PostgreSQL: %w", err)
	}
	return &target{dsn: server.DSN("postgres"), server: server, Console: server.Console}, nil
}

func (t *target) close() error {
	if t.server == nil {
		return nil
	}
	return t.server.Close()
}

// writeJSON writes the result of a verb.
func writeJSON(w io.Writer, result any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(result)
}
