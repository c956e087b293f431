package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// consoleSettings are those of PgBouncer that a pool in front of it can meet.
var consoleSettings = []string{
	"pool_mode", "max_client_conn", "default_pool_size", "max_db_connections", "max_user_connections",
	"max_prepared_statements", "server_idle_timeout", "server_lifetime", "query_wait_timeout", "client_idle_timeout",
	"ignore_startup_parameters", "server_reset_query_always",
}

// askConsole asks PgBouncer itself, if that is what it is and the user is among its admin_users or stats_users.
func (f *poolerCheck) askConsole(ctx context.Context, dsn string) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return // the driver has read it: what is in its way are the pool's own settings, which the console knows less
	}
	maps.DeleteFunc(cfg.RuntimeParams, func(name, _ string) bool { return strings.HasPrefix(strings.ToLower(name), "pool_") })
	cfg.Database, cfg.ValidateConnect = "pgbouncer", nil
	ctx, cancel := context.WithTimeout(ctx, poolerWait)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, &cfg.Config)
	if err != nil {
		return // another pooler, or none of our business
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	results, err := conn.Exec(ctx, "SHOW VERSION").ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
		return
	}
	f.Product = string(results[0].Rows[0][0])
	if results, err = conn.Exec(ctx, "SHOW CONFIG").ReadAll(); err != nil || len(results) == 0 {
		return
	}
	f.Config = map[string]string{}
	for _, row := range results[0].Rows {
		if name := string(row[0]); slices.Contains(consoleSettings, name) {
			f.Config[name] = string(row[1])
		}
	}
}
