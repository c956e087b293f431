package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// Work that is not routed costs no allocation more than on the pool alone.
func TestUnroutedWorkAllocatesNothingMore(t *testing.T) {
	plain, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector()})
	if err != nil {
		t.Fatal(err)
	}
	alone := sqlpool.OpenDB(plain)
	defer alone.Close()
	primary, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := route.New(route.Config{Primary: primary})
	if err != nil {
		t.Fatal(err)
	}
	routed := route.OpenDB(r)
	defer routed.Close()
	ctx := context.Background()
	for what, run := range map[string]func(db *sql.DB, st *sql.Stmt) error{
		"exec": func(db *sql.DB, _ *sql.Stmt) error { _, err := db.ExecContext(ctx, "UPDATE a"); return err },
		"query": func(db *sql.DB, _ *sql.Stmt) error {
			rows, err := db.QueryContext(ctx, "SELECT 1")
			if err != nil {
				return err
			}
			return rows.Close()
		},
		"statement": func(_ *sql.DB, st *sql.Stmt) error { _, err := st.ExecContext(ctx); return err },
		"transaction": func(db *sql.DB, _ *sql.Stmt) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	} {
		allocs := func(db *sql.DB) float64 {
			st, err := db.Prepare("UPDATE b")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			return testing.AllocsPerRun(500, func() {
				if err := run(db, st); err != nil {
					t.Error(err)
				}
			})
		}
		if with, without := allocs(routed), allocs(alone); with > without {
			t.Errorf("%s: %v allocations, and %v without a router", what, with, without)
		}
	}
}

// The holder of a replica's last connection closes a statement that was prepared on a connection of the *sql.DB which
// waits, for another caller, for that replica. The Close must not wait for itself.
func TestAWaitForAReplicaBlocksNoClose(t *testing.T) {
	waits := map[string]func(ctx context.Context, l *lab) error{
		"a marked statement": func(ctx context.Context, l *lab) error {
			_, err := l.whose(ctx, l.QueryRowContext(route.Replica(ctx), where))
			return err
		},
		"a read-only transaction": func(ctx context.Context, l *lab) error {
			_, err := l.inTransaction(ctx)
			return err
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) { blocksNoClose(t, wait) })
	}
}

func blocksNoClose(t *testing.T, wait func(ctx context.Context, l *lab) error) {
	l := sharedCluster(t).open(t, "pgx", route.Config{}, func(c *sqlpool.Config) {
		c.MaxConns, c.AcquireTimeout = 1, time.Minute
	})
	ctx := within(t)
	for _, p := range l.pools[2:] { // one replica is enough
		p.Pause()
		defer p.Resume()
	}
	st, err := l.PrepareContext(ctx, where)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.whose(ctx, st.QueryRowContext(ctx)); err != nil { // on the one session that is idle
		t.Fatal(err)
	}
	holder, err := l.pools[1].Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 2)
	for range 2 { // one for each replica
		go func() {
			waiting <- wait(ctx, l)
		}()
	}
	for l.pools[1].Stats().Waiting == 0 {
		time.Sleep(time.Millisecond) // the pool has no event for it
	}
	closed := make(chan error, 1)
	go func() { closed <- st.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Close waits for a caller who waits for the holder")
	}
	if err := holder.Release(); err != nil {
		t.Error(err)
	}
	l.pools[2].Resume()
	for range 2 {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
}

// bare hides everything that database/sql/driver calls optional and tracers leave out.
type bare struct {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type bareConnector struct{ driver.Connector }

func (c bareConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return bare{
		conn, conn.(driver.ConnBeginTx), conn.(driver.ConnPrepareContext), conn.(driver.ExecerContext), conn.(driver.QueryerContext),
	}, nil
}

// hidesValid is the wrapper of most tracers: it passes on ResetSession.
type hidesValid struct{ bare }

func (h hidesValid) ResetSession(ctx context.Context) error {
	return h.bare.Conn.(driver.SessionResetter).ResetSession(ctx)
}

type hidesValidConnector struct{ bareConnector }

func (c hidesValidConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.bareConnector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return hidesValid{conn.(bare)}, nil
}

// Below a wrapper that hides IsValid and the connector's Close, each operation still goes where it belongs, and no
// connection is kept.
func TestBelowAWrapperThatHidesTheEndOfLends(t *testing.T) {
	t.Run("and ResetSession", func(t *testing.T) {
		belowAWrapper(t, func(c driver.Connector) driver.Connector { return bareConnector{c} })
	})
	t.Run("but not ResetSession", func(t *testing.T) {
		belowAWrapper(t, func(c driver.Connector) driver.Connector { return hidesValidConnector{bareConnector{c}} })
	})
}

func belowAWrapper(t *testing.T, wrap func(driver.Connector) driver.Connector) {
	l := sharedCluster(t).open(t, "pgx", route.Config{}, nil)
	db := sql.OpenDB(wrap(l.router.Connector()))
	ctx := within(t)
	atRest := func(after string) {
		t.Helper()
		for i, p := range l.pools {
			if s := p.Stats(); s.InUse != 0 {
				t.Errorf("at rest after %s %d connections of server %d are in use: %v", after, s.InUse, i, p.Holders())
			}
		}
	}
	marked := route.Replica(ctx)
	var prepared [2]*sql.Stmt
	for i := range prepared {
		var err error
		if prepared[i], err = db.PrepareContext(ctx, where); err != nil {
			t.Fatal(err)
		}
	}
	st, inTransactions := prepared[0], prepared[1]
	for range 5 {
		if got := l.server(t, ctx, db); got != "primary" { // what a Conn has left is ended by the next operation
			t.Errorf("unmarked on %s", got)
		}
		atRest("an unmarked query")
		if got := l.server(t, marked, db); !isReplica(got) {
			t.Errorf("marked on %s", got)
		}
		atRest("a marked query")
		if got, err := l.whose(ctx, st.QueryRowContext(marked)); err != nil || !isReplica(got) {
			t.Errorf("a marked statement on %s (%v)", got, err)
		}
		atRest("a marked statement")
		if got, err := l.whose(ctx, st.QueryRowContext(ctx)); err != nil || got != "primary" {
			t.Errorf("an unmarked statement on %s (%v)", got, err)
		}
		atRest("an unmarked statement")
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, ctx, tx); !isReplica(got) {
			t.Errorf("a read-only transaction on %s", got)
		}
		if got, err := l.whose(ctx, tx.StmtContext(ctx, inTransactions).QueryRowContext(ctx)); err != nil || !isReplica(got) {
			t.Errorf("its statement on %s (%v)", got, err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		atRest("a read-only transaction")
		c, err := db.Conn(marked)
		if err != nil {
			t.Fatal(err)
		}
		first := l.server(t, marked, c)
		if got := l.server(t, marked, c); got != first {
			t.Errorf("one Conn on %s and %s", first, got)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		session := route.Session(ctx)
		if _, err := db.ExecContext(session, `SELECT 1`); err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, route.Replica(session), db); got != "primary" {
			t.Errorf("after its write a session reads from %s", got)
		}
	}
	atRest("all")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// keeping keeps the statements that are prepared below a wrapper.
type keeping struct {
	bareConnector
	stmts []driver.Stmt
}

func (k *keeping) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.bareConnector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	b := conn.(bare)
	b.ConnPrepareContext = keepingConn{b.ConnPrepareContext, k}
	return b, nil
}

type keepingConn struct {
	driver.ConnPrepareContext
	k *keeping
}

func (c keepingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.ConnPrepareContext.PrepareContext(ctx, query)
	c.k.stmts = append(c.k.stmts, st)
	return st, err
}

// Where lends end unseen some end by the Close of a session. A statement forgets those that are closed.
func TestAStatementForgetsSessionsThatAreClosed(t *testing.T) {
	l := sharedCluster(t).open(t, "pgx", route.Config{}, nil)
	k := &keeping{bareConnector: bareConnector{l.router.Connector()}}
	db := sql.OpenDB(k)
	ctx := within(t)
	st, err := db.PrepareContext(ctx, where)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got, err := l.whose(ctx, st.QueryRowContext(ctx)); err != nil || got != "primary" {
			t.Errorf("on %s (%v)", got, err)
		}
		c, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.server(t, ctx, c)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, st := range k.stmts {
		if n := route.PreparedOn(st); n > len(l.pools) {
			t.Errorf("it keeps what it has prepared on %d sessions of %d servers", n, len(l.pools))
		}
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
