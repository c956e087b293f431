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
// queue (see Pool.Acquire for the order).
//
// # The life of a connection, file by file
//
//   - config.go says what a pool may do, validate.go refuses what cannot be, and
//     settings.go tells it in words; pool.go and sqldb.go open it.
//   - connect.go dials a connection in the background, detached from every
//     caller; outage.go says when, by the rules of internal/dialing, and when
//     waiting for the database is over; backoff.go is their setting.
//   - idle.go keeps it in a stack; sweep.go shows it to the WhileIdle hooks.
//   - acquire.go lends it, at once or, in wait.go, through the queue
//     (waiters.go, package internal/queue), where expiry.go ends what has waited too long; check.go proves
//     first that it is alive; park.go keeps a loan revocable that a session has
//     not used yet; loan.go is a loan without package sql; pause.go lets all wait, and
//     nowait.go none.
//   - session.go, borrow.go, operation.go, attempt.go, execute.go, resolve.go, prepare.go, statement.go,
//     tx.go and txcontext.go use it on behalf of package sql, with lasttry.go for its third
//     try and limit.go for StatementTimeout; loanend.go, loanrows.go,
//     loanrows_go126.go and loanrows_go127.go end a loan where a wrapper hides how
//     it ended;
//     facts.go collects the facts of a failure, and verdict.go does what package
//     internal/verdict makes of them; source.go joins the statements of one *sql.Stmt, and
//     package internal/stmts keeps what is prepared on each connection; stale.go
//     gives up what fails for its age; package internal/driverx speaks to the driver as
//     database/sql would.
//   - release.go takes it back, settle.go puts right what the borrower left
//     behind; reclaim.go takes it back by force; classify.go says what an error means
//     for it, by the tables of package internal/pgerror; silence.go what none means.
//   - retire.go closes it and holds its slot until the server side is gone;
//     recycle.go and resize.go close many; reason.go says why; shutdown.go
//     closes all.
//
// hooks.go, hookcall.go, onstatement.go, telling.go and setup.go are the same life as policies see it, conn.go and
// diary.go what they see of a connection. stats.go, state.go, snapshot.go, holders.go and
// backend.go tell how it stands; errors.go and failure.go say what went wrong.
//
// # Drivers
//
// The contract is database/sql/driver. A connection may have further optional
// methods (Alive, TxStatus, Sent, Running, Backend, LastError, Abort, Raw,
// CacheQueries, EndsStatements, TxContextEndsStatements, Adapter; see ability.go);
// what it cannot tell, the pool assumes the safe way.
package sqlpool
