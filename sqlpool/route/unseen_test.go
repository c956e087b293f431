package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// hiding makes a *sql.DB whose wrapper hides the end of lends.
func (l *simLab) hiding(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(bareConnector{l.router.Connector()})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (b bare) Raw() driver.Conn { return b.Conn.(interface{ Raw() driver.Conn }).Raw() }

// by names the server that answers.
func by(t *testing.T, ctx context.Context, q querier) (name string) {
	t.Helper()
	if err := q.QueryRowContext(ctx, "SELECT").Scan(&name); err != nil {
		t.Error(err)
	}
	return name
}

func connOf(t *testing.T, ctx context.Context, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func closed(t *testing.T, c *sql.Conn) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// raw uses the driver's own connection and names its server.
func raw(t *testing.T, c *sql.Conn) (name string) {
	t.Helper()
	if err := c.Raw(func(c any) error {
		name = c.(interface{ Raw() driver.Conn }).Raw().(simConn).s.name
		return nil
	}); err != nil {
		t.Error(err)
	}
	return name
}

// Below a wrapper that hides IsValid and ResetSession a *sql.Conn follows anything, on the same connection, without a sign.
func TestNoUnmarkedStatementRunsOnAReplicaWhateverAWrapperHides(t *testing.T) {
	for before, do := range map[string]func(t *testing.T, db *sql.DB, marked context.Context){
		"a marked statement": func(t *testing.T, db *sql.DB, marked context.Context) {
			if got := by(t, marked, db); got == "primary" {
				t.Error("a marked statement on the primary")
			}
		},
		"a read-only transaction": func(t *testing.T, db *sql.DB, marked context.Context) {
			tx, err := db.BeginTx(marked, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := by(t, marked, tx); got == "primary" {
				t.Error("a read-only transaction on the primary")
			}
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		},
		"a marked Conn": func(t *testing.T, db *sql.DB, marked context.Context) {
			c := connOf(t, marked, db)
			defer closed(t, c)
			by(t, marked, c)
		},
		"a marked Conn that was not used": func(t *testing.T, db *sql.DB, marked context.Context) {
			closed(t, connOf(t, marked, db))
		},
	} {
		for after, where := range map[string]func(t *testing.T, ctx context.Context, c *sql.Conn) string{
			"a query": func(t *testing.T, ctx context.Context, c *sql.Conn) string { return by(t, ctx, c) },
			"a transaction": func(t *testing.T, ctx context.Context, c *sql.Conn) string {
				tx, err := c.BeginTx(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Commit() }()
				return by(t, ctx, tx)
			},
			"Raw": func(t *testing.T, _ context.Context, c *sql.Conn) string { return raw(t, c) },
		} {
			t.Run(before+", then "+after, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := simulate(t, 2, route.Config{})
					db, ctx := l.hiding(t), t.Context()
					do(t, db, route.Replica(ctx))
					c := connOf(t, ctx, db)
					if got := where(t, ctx, c); got != "primary" {
						t.Errorf("unmarked on %s", got)
					}
					lends := l.router.Snapshot().Primary.Lends
					for _, ctx := range []context.Context{route.Replica(ctx), ctx} {
						if got := by(t, ctx, c); got != "primary" { // one session
							t.Errorf("later on %s", got)
						}
					}
					if more := l.router.Snapshot().Primary.Lends - lends; more != 0 {
						t.Errorf("the Conn has given up its session %d times", more)
					}
					closed(t, c)
				})
			})
		}
	}
}

// Where ResetSession is seen it tells how a *sql.Conn was marked.
func TestAMarkedConnIsOnAReplicaWhereOnlyIsValidIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		db := sql.OpenDB(hidesValidConnector{bareConnector{l.router.Connector()}})
		defer db.Close()
		ctx := t.Context()
		for range 2 {
			by(t, ctx, db)
		}
		for range 2 {
			c := connOf(t, route.Replica(ctx), db)
			first := by(t, ctx, c)
			if first == "primary" || by(t, route.Replica(ctx), c) != first || raw(t, c) != first {
				t.Errorf("a marked Conn begins on %s", first)
			}
			closed(t, c)
			c = connOf(t, ctx, db)
			if got := by(t, ctx, c); got != "primary" {
				t.Errorf("an unmarked Conn on %s", got)
			}
			closed(t, c)
		}
	})
}

// What a *sql.DB has seen says nothing of a wrapper around another one on the same router.
func TestEachDBOnARouterLearnsWhatItsWrapperHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		db, ctx := l.hiding(t), t.Context()
		for range 3 {
			if got := by(t, ctx, l); got != "primary" {
				t.Errorf("without a wrapper, unmarked on %s", got)
			}
			if got := by(t, route.Replica(ctx), l); got == "primary" {
				t.Errorf("without a wrapper, marked on %s", got)
			}
			if got := by(t, route.Replica(ctx), db); got == "primary" {
				t.Errorf("marked on %s", got)
			}
			if got := by(t, ctx, db); got != "primary" {
				t.Errorf("unmarked on %s", got)
			}
		}
		s := l.router.Snapshot()
		for _, s := range append(s.Replicas, s.Primary) {
			if s.Pool.InUse != 0 {
				t.Errorf("at rest %d connections of %q are in use", s.Pool.InUse, s.Name)
			}
		}
	})
}

// An outage makes one replica serve a peak alone. Where lends end unseen its idle connections must not look like work.
func TestWhatEndsUnseenTakesNoTurnAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		db, marked := l.hiding(t), route.Replica(t.Context())
		db.SetMaxIdleConns(20)
		fit := func(fit bool) {
			l.replicas[1].set(func(s *sim) { s.replica = fit })
			l.await(t, func(s route.Snapshot) bool { return s.Replicas[1].Fit == fit })
		}
		fit(false)
		l.replicas[0].work = func() time.Duration { return time.Millisecond }
		var peak sync.WaitGroup
		for range 20 {
			peak.Go(func() { by(t, marked, db) })
		}
		peak.Wait()
		fit(true)
		counts := map[string]int{}
		for range 10 {
			counts[by(t, marked, db)]++
		}
		if counts["replica 0"] != 5 || counts["replica 1"] != 5 {
			t.Errorf("after the outage reads run on %v", counts)
		}
		for _, s := range l.router.Snapshot().Replicas {
			if s.Load != 0 {
				t.Errorf("at rest the load of %q is %d", s.Name, s.Load)
			}
		}
	})
}

// The opener of database/sql, which replaces a connection for a caller who waits below SetMaxOpenConns, has no caller's context.
// The session of a *sql.Conn that begins with Raw is not known then.
func TestASessionSeesWhatRawWroteOnTheOpenersConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		l.SetMaxOpenConns(1)
		ctx := t.Context()
		session, older := route.Session(ctx), route.Session(ctx)
		first := connOf(t, ctx, l.DB)
		conns := make(chan *sql.Conn)
		go func() { conns <- connOf(t, session, l.DB) }()
		synctest.Wait() // it waits
		if err := first.Raw(func(any) error { return driver.ErrBadConn }); err != driver.ErrBadConn {
			t.Error(err)
		}
		c := <-conns
		raw(t, c)
		if w, err := l.router.Token(session); err != nil || w == "" {
			t.Errorf("while the Conn is open its session's token is %q (%v)", w, err)
		}
		closed(t, c)
		if got := by(t, route.Replica(session), l); got != "primary" {
			t.Errorf("a session reads from %s what it has written in Raw", got)
		}
		if got := by(t, route.Replica(older), l); got != "primary" {
			t.Errorf("the session is not known, and one that it may be reads from %s", got)
		}
		time.Sleep(time.Second)
		if got := by(t, route.Replica(session), l); got == "primary" {
			t.Error("after a second a session still reads from the primary")
		}
		if w, err := l.router.Token(route.Session(ctx)); err != nil || w != "" {
			t.Errorf("the token of a session that began later is %q (%v)", w, err)
		}

		c = connOf(t, ctx, l.DB) // used again: there is no session
		raw(t, c)
		closed(t, c)
		if got := by(t, route.Replica(session), l); got == "primary" {
			t.Error("what is written outside sessions sends a session's reads to the primary")
		}
	})
}

// hidesReset passes on IsValid alone.
type hidesReset struct{ bare }

func (h hidesReset) IsValid() bool { return h.bare.Conn.(driver.Validator).IsValid() }

type hidesResetConnector struct{ bareConnector }

func (c hidesResetConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.bareConnector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return hidesReset{conn.(bare)}, nil
}

func TestRawBelowAWrapperIsNoWriteOfAnEarlierSessionAlone(t *testing.T) {
	for name, wrap := range map[string]func(driver.Connector) driver.Connector{
		"no IsValid, no ResetSession": func(c driver.Connector) driver.Connector { return bareConnector{c} },
		"no ResetSession":             func(c driver.Connector) driver.Connector { return hidesResetConnector{bareConnector{c}} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := simulate(t, 2, route.Config{})
				db := sql.OpenDB(wrap(l.router.Connector()))
				defer db.Close()
				earlier, session := route.Session(t.Context()), route.Session(t.Context())
				c := connOf(t, earlier, db)
				by(t, earlier, c)
				closed(t, c)
				c = connOf(t, session, db)
				raw(t, c)
				closed(t, c)
				if got := by(t, route.Replica(session), db); got != "primary" {
					t.Errorf("a session reads from %s what it has written in Raw", got)
				}
				time.Sleep(time.Second)
				if got := by(t, route.Replica(session), db); got == "primary" {
					t.Error("after a second a session still reads from the primary")
				}
			})
		})
	}
}

// prepares is a wrapper that passes on no way to execute a text, and hides the end of lends.
type prepares struct{ driver.Connector }

func (c prepares) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return struct {
		driver.Conn
		driver.ConnPrepareContext
	}{conn, conn.(driver.ConnPrepareContext)}, nil
}

// Package sql prepares there what it executes next: that is one lend, and one statement of the server's.
func TestWhatIsPreparedForOneExecutionIsPreparedOnce(t *testing.T) {
	server := fakedb.New()
	primary, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := route.New(route.Config{Primary: primary})
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(prepares{r.Connector()})
	defer db.Close()
	const n = 10
	for range n {
		if _, err := db.ExecContext(t.Context(), "INSERT t"); err != nil {
			t.Fatal(err)
		}
	}
	if prepared, _ := server.Prepares("INSERT t"); prepared > n || server.Written("t") != n {
		t.Errorf("%d executions were prepared %d times, and %d rows written", n, prepared, server.Written("t"))
	}
	if s := primary.Stats(); s.InUse != 0 {
		t.Errorf("%d connections are in use", s.InUse)
	}
}
