// Package byname opens databases by the names PGX ("sqlpool-pgx", on pgx) and PQ
// ("sqlpool-pq", on lib/pq), and finds what belongs to them. It links no driver: each
// name is registered by the package of its driver, drivers/pgxv5 or drivers/libpq, when
// the program imports that.
//
//	import _ "github.com/sqlpool/go/drivers/pgxv5" // pgx, and no lib/pq
//
//	db, err := sql.Open("sqlpool-pgx", "postgres://app@db.example/orders?pool_max_conns=20")
//	h, err := byname.Open(byname.PGX, dsn, byname.Setting("pool_max_conns", 20)) // or with a handle
//
// Package drivers is the same with both drivers. Its comment says how settings are read,
// and what the life of such a database is.
package byname

// For those who change the package, file by file: register.go, connector.go and
// sole.go are what database/sql calls; handle.go, options.go, open.go and tell.go what a
// program may.
// read.go reads the settings of settings.go and hooksettings.go, each of a kind in
// value.go or length.go, out of a connection string that dsn.go, url.go and
// keyvalue.go take apart; replicas.go makes pools of pool_replicas and a router above them; fields.go, suggest.go and errors.go say what is wrong
// with them; assembly.go makes a pool's configuration of them.
