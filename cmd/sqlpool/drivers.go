package main

import (
	"context"
	"database/sql/driver"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
)

// driverUnderTest is one of the drivers behind --driver. Its connector gives its connections an application name, by
// which the server can tell them from all others.
type driverUnderTest struct {
	name, title string
	connector   func(dsn, application string) (driver.Connector, error)
}

var allDrivers = []driverUnderTest{
	{"pgx", "pgx", func(dsn, application string) (driver.Connector, error) {
		return pgxv5.Connector(dsn, pgxv5.BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
			cfg.RuntimeParams = maps.Clone(cfg.RuntimeParams) // the map is all connections'
			cfg.RuntimeParams["application_name"] = application
			return nil
		}))
	}},
	{"pq", "lib/pq", func(dsn, application string) (driver.Connector, error) {
		return libpq.Connector(dsn, libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
			cfg.ApplicationName = application
			return nil
		}))
	}},
}
