// Package sqlpool is a connection pool that goes behind a *sql.DB.
//
// A program keeps its *sql.DB and its queries; only the line that opens the
// database changes:
//
//	connector, err := pgxv5.Connector(dsn) // or libpq.Connector, or any driver.Connector
//	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: "orders", MaxConns: 20, MinIdle: 2})
//	err = pool.Warm(ctx)       // MinIdle connections are open, or the first dial error
//	db := sqlpool.OpenDB(pool) // a *sql.DB; closing it closes the pool
//
// # A session is not a connection
//
// What package sql holds is a session: a light driver.Conn with at most one
// loan of a physical connection. Package sql may cache sessions, drop them and
// hand them from caller to caller under any settings; the loan begins when a
// caller uses a session and ends when package sql gets it back. So the pool's
// limits hold whatever is set on the *sql.DB, and waiting happens in the pool's
// queue, first in, first out.
//
// # The life of a connection, file by file
//
//   - connect.go dials it in the background, detached from every caller;
//     outage.go and backoff.go pace the dials while the database is away.
//   - idle.go keeps it in a stack; sweep.go shows it to the WhileIdle hooks.
//   - acquire.go lends it, at once or through the queue in waiters.go; check.go
//     proves first that it is alive; park.go keeps a loan revocable that a
//     session has not used yet; loan.go is a loan without package sql.
//   - session.go, operation.go, statement.go and tx.go use it on behalf of
//     package sql; stmtcache.go keeps its prepared statements; args.go and
//     inner.go speak to the driver as package sql would.
//   - release.go takes it back and settles what the borrower left behind;
//     classify.go says what an error means for it.
//   - retire.go closes it and holds its slot until the server side is gone;
//     reason.go says why; shutdown.go closes all.
//
// hooks.go is the same life as policies see it. For those who operate a pool,
// stats.go, holders.go, snapshot.go and settings.go tell how it is; recycle.go,
// pause.go, resize.go and reclaim.go change it while it runs.
//
// # Drivers
//
// The contract is database/sql/driver. A connection may have further optional
// methods (Alive, TxStatus, Sent, LastError, Abort, Raw, CacheQueries,
// TxContextEndsStatements; see ability.go); what it cannot tell, the pool
// assumes the safe way.
package sqlpool
