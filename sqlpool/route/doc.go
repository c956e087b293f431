// Package route puts a primary and its streaming replicas behind one *sql.DB (PostgreSQL).
//
// Read-only transactions (sql.TxOptions) and what runs under a context from [Replica] go to a replica; everything else
// goes to the primary. Nothing is guessed from the text of a statement.
//
//	router, err := route.New(route.Config{Primary: primary, Replicas: []*sqlpool.Pool{first, second}})
//	db := route.OpenDB(router) // a *sql.DB; closing it closes the router and its pools
//	rows, err := db.QueryContext(route.Replica(ctx), "SELECT …")
//
// Each server has a pool of its own. A connection of the *sql.DB holds a light session of each pool that it has used; a
// session has a physical connection only while it works.
//
// # What goes where
//
//   - An operation of the *sql.DB goes where its context says, a transaction where its options say: a replica for
//     ReadOnly (not with LevelSerializable, which a replica refuses), else the primary, whatever its context. [Primary] keeps a read-only transaction on the primary.
//   - A *sql.Stmt goes where the context of its execution says. It is prepared on each server that executes it.
//   - A *sql.Conn is a session of one server, because settings and locks are kept there: of the primary, or of one
//     replica if the context given to db.Conn was from Replica. Read-only transactions, contexts and Raw change nothing
//     there.
//
// # Which replica
//
// One that answers, is in recovery, and is at most Config.MaxLag behind the primary; of two such, the one with less to
// do. Each server is asked for its WAL position every 200 ms, over a connection beside its pool. A replica's lag is the
// age of the oldest of the primary's positions that it has not replayed: that needs no clock but this process's own, and is
// zero while the primary is quiet. A replica that is passed over comes back with its first good answer.
//
// # Read your writes
//
// Under a context from [Session], a read goes to a replica only if that has replayed a position of the primary's that was
// asked for after the session's last write had ended; else it goes to the primary. A write costs no round trip for it.
// [Router.Token] carries a session to another process, [Router.Middleware] from one HTTP request to the next.
//
// # File by file
//
//   - config.go says what a router is made of, router.go opens and closes it;
//   - context.go marks contexts, session.go keeps what a session has written, middleware.go takes it through HTTP;
//   - conn.go is the driver.Conn: which server it is on and for how long; operate.go and stmt.go are its work;
//   - choose.go picks the server and says why there is none;
//   - watch.go keeps a connection to each server and asks again and again, sample.go is the question and the primary's answers;
//   - fitness.go judges the replicas' answers, snapshot.go tells how all stand.
package route
