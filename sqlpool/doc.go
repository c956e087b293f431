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
// # An acquire in ten concepts
//
//  1. A slot is room for one connection on the server; there are MaxConns. What a
//     slot is used for is one state of package internal/slots, changed by
//     Pool.moveLocked alone, which is where everything is counted (inventory.go).
//  2. A session is what database/sql takes for a connection: a light driver.Conn
//     with at most one connection at a time. Database/sql may cache sessions, drop
//     them and give them to one caller after another under any settings; so the
//     pool's limits hold whatever is set on the *sql.DB (sql_session.go).
//  3. A grant gives a connection to an acquire: an idle one, or one that comes back
//     while the acquire waits (acquire.go).
//  4. The queue decides which of those that wait is next (wait.go, package
//     internal/queue).
//  5. The check proves that what was granted may be lent: alive, reset, accepted by
//     the hooks. It runs in the caller's goroutine (check.go).
//  6. The loan begins when the check has passed, and ends when the caller gives the
//     connection back, breaks it, or loses it by force (loan.go, release.go,
//     force.go). For a session that may never be used the connection is reserved
//     instead, and the pool may revoke that (reserve.go).
//  7. Pool.giveBack is where a connection goes that an acquire, a borrower or the
//     pool itself has done with: closed, worked on, granted to the next waiter, or
//     idle (giveback.go).
//  8. Upkeep is the pool's own work on a connection between two loans: a ping, a
//     rollback, what hooks deferred. It is not lent meanwhile (upkeep.go, sweep.go).
//  9. A dial opens a connection in the background, detached from every acquire. The
//     pacer decides when, and when waiting for the server is over: the circuit is
//     open then, until a connection proves that the server is there (redial.go,
//     dial.go, connect.go, outage.go, package internal/dialing).
//  10. The generation grows when an error puts every connection under suspicion.
//     What was proven in an older one is proven again before it is lent (check.go).
//
// # File by file
//
// The files sql_*.go are what database/sql sees. They use the pool, which is all other
// files; the pool uses nothing of theirs.
//
// The pool:
//
//   - config.go says what a pool may do, backoff.go how it paces dials, validate.go
//     refuses what cannot be, settings.go lists it for people; pool.go opens it.
//   - pause.go, nowait.go, resize.go and recycle.go change how a running pool lends;
//     retire.go closes one connection and holds its slot until the server's side is
//     gone, shutdown.go closes all; reason.go says why.
//   - classify.go says what an error means for a connection, by the tables of package
//     internal/pgerror; ability.go finds out what a driver can do beyond
//     database/sql/driver, and package internal/driverx calls it as database/sql would.
//   - hooks.go and onstatement.go are a connection's life as policies see it,
//     hookcall.go calls them; conn.go, conncall.go and conninfo.go are what they see of
//     a connection. stats.go, state.go, snapshot.go, holders.go and backend.go say how
//     a pool stands; errors.go and failure.go what went wrong.
//
// What database/sql sees:
//
//   - sql_db.go opens a *sql.DB, sql_session.go is one of its connections, sql_loan.go
//     begins and ends a session's loan, sql_hidden.go does where a wrapper hides how it
//     ended, as package internal/sqlstack finds out.
//   - sql_operation.go begins and ends each try of an operation, whose state is in
//     sql_attempt.go; sql_execute.go, sql_resolve.go, sql_prepare.go, sql_begin.go and
//     sql_tx.go are the operations, sql_limit.go is StatementTimeout, sql_hooks.go tells
//     OnStatement of them. Package internal/sqlrows has rows whose closing ends
//     something, internal/txctx the contexts of a transaction.
//   - sql_facts.go collects the facts of a failure, and sql_verdict.go does what package
//     internal/verdict makes of them.
//   - sql_stmt.go is a prepared statement, sql_source.go joins those of one *sql.Stmt,
//     and package internal/stmts keeps what is prepared on each connection.
//
// # Drivers
//
// The contract is database/sql/driver. A connection may have further optional
// methods (Alive, TxStatus, Sent, Running, Backend, LastError, Abort, Raw, HoldBegin,
// StatementStale, AfterConnect, CacheQueries, EndsStatements, TxContextEndsStatements,
// Adapter; see ability.go); what it cannot tell, the pool assumes the safe way.
package sqlpool
