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
//     Pool.moveLocked alone, which is where everything is counted (giveback.go).
//  2. A session is what database/sql takes for a connection: a light driver.Conn
//     with at most one connection at a time. Database/sql may cache sessions, drop
//     them and hand them from caller to caller under any settings; so the pool's
//     limits hold whatever is set on the *sql.DB (session.go).
//  3. A grant gives a connection to an acquire: an idle one, or one that comes back
//     while the acquire waits (acquire.go).
//  4. The queue decides which of those that wait is next (wait.go, package
//     internal/queue).
//  5. The check proves that what was granted may be lent: alive, reset, accepted by
//     the hooks. It runs in the caller's goroutine (check.go).
//  6. The loan begins when the check has passed, and ends when the caller gives the
//     connection back, breaks it, or has it taken away by force (loan.go, release.go,
//     retire.go). For a session that may never be used the connection is reserved
//     instead, and may be revoked (reserve.go).
//  7. Pool.giveBack is where a connection goes that an acquire, a borrower or the
//     pool itself has done with: closed, worked on, granted to the next waiter, or
//     idle (giveback.go).
//  8. Upkeep is the pool's own work on a connection between two loans: a ping, a
//     rollback, what hooks deferred. It is not lent meanwhile (upkeep.go, sweep.go).
//  9. A dial opens a connection in the background, detached from every acquire. The
//     pacer decides when, and when waiting for the server is over: the circuit is
//     open then, until a connection proves that the server is there (redial.go,
//     connect.go, outage.go, package internal/dialing).
//  10. The generation grows when an error puts every connection under suspicion.
//     What was proven in an older one is proven again before it is lent (check.go).
//
// # File by file
//
//   - config.go says what a pool may do, backoff.go how it paces dials, validate.go
//     refuses what cannot be, settings.go tells it in words; pool.go and sqldb.go
//     open it.
//   - pause.go, nowait.go, resize.go and recycle.go change how a running pool lends;
//     retire.go closes one connection and holds its slot until the server's side is
//     gone, shutdown.go closes all; reason.go says why.
//   - borrow.go, operation.go, attempt.go, execute.go, resolve.go, prepare.go,
//     statement.go, tx.go and txcontext.go use a loan on behalf of database/sql, with
//     lasttry.go for its third try and limit.go for StatementTimeout; loanend.go,
//     loanrows.go, loanrows_go126.go and loanrows_go127.go end a loan where a wrapper
//     hides how it ended, found out by package internal/sqlstack.
//   - facts.go collects the facts of a failure, and verdict.go does what package
//     internal/verdict makes of them; classify.go says what an error means for a
//     connection, by the tables of package internal/pgerror. source.go joins the
//     statements of one *sql.Stmt, and package internal/stmts keeps what is prepared on
//     each connection; stale.go gives up what fails for its age; package
//     internal/driverx speaks to the driver as database/sql would.
//   - hooks.go, hookcall.go, onstatement.go and telling.go are a connection's life as
//     policies see it, conn.go, conncall.go and conninfo.go what they see of a
//     connection. stats.go, state.go, snapshot.go, holders.go and backend.go tell how a
//     pool stands; errors.go and failure.go say what went wrong.
//
// # Drivers
//
// The contract is database/sql/driver. A connection may have further optional
// methods (Alive, TxStatus, Sent, Running, Backend, LastError, Abort, Raw,
// CacheQueries, EndsStatements, TxContextEndsStatements, Adapter; see ability.go);
// what it cannot tell, the pool assumes the safe way.
package sqlpool
