package drivers

import (
	"database/sql"

	"github.com/sqlpool/go/drivers/byname"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// The names registered with database/sql.
const (
	PGX = byname.PGX // "sqlpool-pgx": the pool on pgx, see drivers/pgxv5
	PQ  = byname.PQ  // "sqlpool-pq": the pool on lib/pq, see drivers/libpq
)

// The types of package byname.
type (
	Handle       = byname.Handle
	Option       = byname.Option
	SettingError = byname.SettingError
)

// Where a setting can come from, see byname.
const (
	SourceDSN         = byname.SourceDSN
	SourceDatabaseURL = byname.SourceDatabaseURL
	SourceEnvironment = byname.SourceEnvironment
	SourceOption      = byname.SourceOption
	SourceDefault     = byname.SourceDefault
)

// Open is byname.Open with both drivers: it opens a database under PGX or PQ, with the
// settings of the connection string, of the environment and of the options.
func Open(driverName, dsn string, opts ...Option) (*Handle, error) {
	return byname.Open(driverName, dsn, opts...)
}

// Config is byname.Config with both drivers: what Open would build a pool from.
func Config(driverName, dsn string, opts ...Option) (sqlpool.Config, error) {
	return byname.Config(driverName, dsn, opts...)
}

// Setting is byname.Setting: it gives a setting of docs/settings.md a value.
func Setting(name string, value any) Option { return byname.Setting(name, value) }

// WithHooks is byname.WithHooks: it adds hooks behind the standard ones.
func WithHooks(hooks ...sqlpool.Hooks) Option { return byname.WithHooks(hooks...) }

// WithHooksOf is byname.WithHooksOf: it adds hooks that f makes of the handle.
func WithHooksOf(f func(h *Handle) []sqlpool.Hooks) Option { return byname.WithHooksOf(f) }

// PGXOptions is pgxv5.Options: it gives options to the connector of pgx, for example
// pgxv5.BeforeConnect for a password that expires. It is an error for any other driver.
func PGXOptions(opts ...pgxv5.Option) Option { return pgxv5.Options(opts...) }

// PQOptions is libpq.Options: it gives options to the connector of lib/pq, for example
// libpq.BeforeConnect for a password that expires. It is an error for any other driver.
func PQOptions(opts ...libpq.Option) Option { return libpq.Options(opts...) }

// HandleOf is byname.HandleOf: it returns the handle of a *sql.DB from sql.Open, and
// starts its pool.
func HandleOf(db *sql.DB) (*Handle, bool) { return byname.HandleOf(db) }

// PoolOf is byname.PoolOf: it returns the pool of a *sql.DB from sql.Open, started if it
// was not yet.
func PoolOf(db *sql.DB) (*sqlpool.Pool, bool) { return byname.PoolOf(db) }

// AddHooks is byname.AddHooks: it gives hooks to a *sql.DB from sql.Open, before its
// first use.
func AddHooks(db *sql.DB, hooks ...sqlpool.Hooks) error { return byname.AddHooks(db, hooks...) }

// AddHooksOf is byname.AddHooksOf: it gives hooks of its own to the pool of each server of
// a *sql.DB from sql.Open with pool_replicas.
func AddHooksOf(db *sql.DB, f func(h *Handle) []sqlpool.Hooks) error { return byname.AddHooksOf(db, f) }

// RouterOf is byname.RouterOf: it returns the router of a *sql.DB from sql.Open with
// pool_replicas.
func RouterOf(db *sql.DB) (*route.Router, bool) { return byname.RouterOf(db) }

// HealthOf is byname.HealthOf: it returns the health monitor of a *sql.DB from sql.Open.
func HealthOf(db *sql.DB) (*health.Monitor, bool) { return byname.HealthOf(db) }

// LeaksOf is byname.LeaksOf: it returns the leak detector of a *sql.DB from sql.Open, if
// it has one.
func LeaksOf(db *sql.DB) (*leak.Detector, bool) { return byname.LeaksOf(db) }

// FleetOf is byname.FleetOf: it returns the membership of a *sql.DB from sql.Open, if it
// shares a limit.
func FleetOf(db *sql.DB) (*fleet.Fleet, bool) { return byname.FleetOf(db) }

// SettingsOf is byname.SettingsOf: it returns the settings of a *sql.DB from sql.Open.
func SettingsOf(db *sql.DB) ([]sqlpool.Setting, bool) { return byname.SettingsOf(db) }
