// Package drivers registers the pool under two names for sql.Open: PGX
// ("sqlpool-pgx", on pgx) and PQ ("sqlpool-pq", on lib/pq). An existing program
// imports the package and changes one word:
//
//	import _ "github.com/sqlpool/go/drivers"
//
//	db, err := sql.Open("sqlpool-pq", "postgres://app@db.example/orders?pool_max_conns=20")
//
// # One driver
//
// This package links both drivers. A program that wants one of them in its binary
// imports that one's package instead: drivers/pgxv5 registers PGX and links pgx alone,
// drivers/libpq registers PQ and links lib/pq alone. What else is said here is then in
// package drivers/byname, of which this package's types and functions are aliases;
// PGXOptions and PQOptions are pgxv5.Options and libpq.Options.
//
// # Settings
//
// The connection string is the driver's own, in either of its forms (URL or
// key=value). Parameters whose names begin with pool_ are the pool's, and are
// taken out before the driver sees it; everything else reaches the driver byte
// for byte, and so does a name with a dot, which is a custom parameter of the
// server. Each setting can also come from an environment variable, which has
// its name in capitals (POOL_MAX_CONNS); some have a second name there
// (POOL_MAX_SIZE), and it is an error when the two differ. The connection string
// wins over the environment, the environment over the default. An empty
// connection string is replaced by DATABASE_URL, and without that the driver uses
// its PG* variables. docs/settings.md lists all settings.
//
// Settings are read in sql.Open, which fails when any of them is unknown or
// wrong, with all that is wrong at once (a *multierror.Error of *SettingError).
// No error shows a password. A setting without its prefix (max_conns=4) is
// refused too, and so is one behind an & where none can stand, in a URL without ?
// or in key=value form. Environment variables that begin with POOL_ and are no
// setting are left alone, because the environment belongs to others too.
//
// # Life
//
// sql.Open connects to nothing and starts nothing. The first use of the *sql.DB
// starts the pool, which then opens its MinIdle connections in the background;
// db.Close closes the pool. Two databases never share a pool, even when their
// connection strings are equal. SetMaxOpenConns, SetMaxIdleConns and their like
// limit sessions, which are cheap and dial nothing: delete the calls, the limit is
// pool_max_conns. SettingsOf tells of one that keeps callers from the pool. Open
// keeps as many idle sessions as the pool can use, a *sql.DB from sql.Open two,
// and makes more when they are wanted.
//
// Open returns a Handle: the DB, its Pool, health monitor, leak detector and settings.
// It takes options for what a connection string cannot say: Setting for numbers of the
// program's own configuration, PGXOptions and PQOptions for what the driver's connector
// can do (BeforeConnect, for a password that expires), WithHooks for more hooks.
//
// Of a *sql.DB from sql.Open, HandleOf is the way to the same. AddHooks gives such a
// database hooks beyond the standard ones, before its first use, of which HandleOf is
// one; PoolOf, HealthOf, LeaksOf, FleetOf and SettingsOf find one part of the handle
// each, all but the first without starting the pool. Nothing is logged unless pool_log=slog says so.
//
// # Replicas
//
// With pool_replicas=db2,db3 in the connection string, read-only transactions and what runs
// under a context from route.Replica go to streaming replicas (docs/replicas.md). Each server
// has a pool of its own with all settings of the database; PoolOf and the handle's Pool are
// the primary's, and Handle.Replicas has the others. RouterOf, or Handle.Router, is the
// *route.Router above them. Hooks of AddHooks and WithHooks go to the pool of each server;
// AddHooksOf and WithHooksOf make them for each. Closing the database closes all of it.
//
// # Placeholders
//
// Libraries that choose a dialect by the driver's name do not know these two.
// In sqlx: sqlx.BindDriver(drivers.PGX, sqlx.DOLLAR). In gorm:
// postgres.New(postgres.Config{Conn: db}), with the db from sql.Open that AddHooks
// and PoolOf need as well.
package drivers

// drivers.go has it all; the rest is package byname.
