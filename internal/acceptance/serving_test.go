package acceptance

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

// code is what a probe is answered.
func code(h http.Handler) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code
}

// asLimitedRole has the app log in as a role of its own that may have so many
// connections.
func (a *app) asLimitedRole(most string) {
	a.Helper()
	a.must(a.server.Exec(a.ctx(), "CREATE ROLE "+a.name+" LOGIN CONNECTION LIMIT "+most))
	a.Cleanup(func() { a.must(a.server.Exec(a.ctx(), "DROP ROLE "+a.name)) })
	end := a.server.TCP()
	end.User = a.name
	a.dsn = end.With("application_name", a.name).URL(a.database)
}

// A limit of the role's refuses new connections. Five callers use the five that work,
// none is refused, and no probe says that the process is not fit to serve.
func TestFiveCallersOnFiveConnectionsAreReady(t *testing.T) {
	onEach(t, func(a *app) {
		const failFast = 500 * time.Millisecond
		a.asLimitedRole("5")
		monitor := health.New(health.Config{})
		pool, db := a.pool(sqlpool.Config{MaxConns: 10, FailFastAfter: failFast, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
		var rush sync.WaitGroup
		for range 20 {
			rush.Go(func() {
				if _, err := db.ExecContext(a.ctx(), "SELECT pg_sleep(0.05)"); err != nil {
					a.Errorf("a caller of the rush: %v", err)
				}
			})
		}
		rush.Wait()
		if s := pool.Stats(); s.Idle != 5 || s.DialErrorCount == 0 {
			a.Fatalf("five connections, and refused dials, were expected: %+v", s)
		}
		var over atomic.Bool
		var five sync.WaitGroup
		for range 5 {
			five.Go(func() {
				for !over.Load() {
					if _, err := db.ExecContext(a.ctx(), "SELECT pg_sleep(0.02)"); err != nil {
						a.Errorf("one of five callers on five connections: %v", err)
					}
				}
			})
		}
		for begun := time.Now(); time.Since(begun) < 4*failFast; time.Sleep(5 * time.Millisecond) {
			if ready, live := code(monitor.Ready()), code(monitor.Live()); ready != http.StatusOK || live != http.StatusOK {
				a.Errorf("after %v /readyz is %d and /livez %d: %+v; %+v", time.Since(begun), ready, live, monitor.Status(), pool.Stats())
				break
			}
		}
		over.Store(true)
		five.Wait()
		if s := pool.Stats(); s.UnavailableCount+s.TimeoutCount > 0 || s.Idle != 5 {
			a.Errorf("%+v", s)
		}
	})
}

// A program that did not ask for a primary writes to a server that only reads: every
// write fails with the server's error, and the figures, the health and the last error
// say why. The connection is as good as before.
func TestWritesThatAStandbyRefusesAreTold(t *testing.T) {
	onEach(t, func(a *app) {
		a.exec(a.plain(), "CREATE TABLE written (n int)")
		end := a.server.TCP().With("application_name", a.name).With("default_transaction_read_only", "on")
		a.dsn = end.URL(a.database)
		monitor := health.New(health.Config{})
		pool, db := a.pool(sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{monitor.Hooks()}})
		const writes = 200
		for range writes {
			_, err := db.ExecContext(a.ctx(), "INSERT INTO written VALUES ($1)", 1)
			if stateOf(err) != "25006" {
				a.Fatalf("a write: %v", err)
			}
		}
		// What a read-only transaction refuses is what its caller has asked for.
		tx, err := db.BeginTx(a.ctx(), &sql.TxOptions{ReadOnly: true})
		a.must(err)
		if _, err := tx.ExecContext(a.ctx(), "INSERT INTO written VALUES (2)"); stateOf(err) != "25006" {
			a.Errorf("a write in a read-only transaction: %v", err)
		}
		a.must(tx.Rollback())
		if s := pool.Stats(); s.ReadOnlyCount != writes || !strings.Contains(s.LastError, "25006") || s.DialCount != 1 || s.Generation != 0 {
			a.Errorf("%+v", s)
		}
		all := func(s health.Status) bool {
			return strings.Contains(strings.Join(s.Reasons, "; "), "200 writes were refused")
		}
		for !all(monitor.Status()) { // a sweep in the middle may have counted some
			a.must(a.ctx().Err())
			time.Sleep(time.Millisecond)
		}
		if s := monitor.Status(); s.State != health.Degraded || !strings.Contains(s.LastError, "25006") {
			a.Errorf("%+v", s)
		}
		if ready := code(monitor.Ready()); ready != http.StatusOK {
			a.Errorf("/readyz %d: it serves reads", ready)
		}
	})
}

// What Config.Classify calls ClassReadOnly is taken for the word of a server that must
// not be written to: its connection goes, whichever servers were asked for.
func TestWhatClassifyCallsReadOnlyRetiresTheConnection(t *testing.T) {
	const moved = "DO $$ BEGIN RAISE EXCEPTION 'moved' USING ERRCODE = 'MV001'; END $$"
	onEach(t, func(a *app) {
		for _, asked := range []bool{false, true} {
			cfg := sqlpool.Config{MaxConns: 1}
			if asked {
				cfg.Classify = func(err error) sqlpool.Class {
					if stateOf(err) == "MV001" {
						return sqlpool.ClassReadOnly
					}
					return sqlpool.ClassUnknown
				}
			}
			pool, db := a.pool(cfg)
			pid := func() (pid int) {
				a.must(db.QueryRowContext(a.ctx(), "SELECT pg_backend_pid()").Scan(&pid))
				return pid
			}
			before := pid()
			if _, err := db.ExecContext(a.ctx(), moved); stateOf(err) != "MV001" {
				a.Errorf("the caller is told %v", err)
			}
			if after := pid(); (after != before) != asked {
				a.Errorf("Classify says so: %v; before it backend %d serves, after it %d", asked, before, after)
			}
			if s := pool.Stats(); (s.ReadOnlyCount == 1) != asked {
				a.Errorf("Classify says so: %v; %+v", asked, s)
			}
		}
	})
}

type tenantKey struct{}

// A BeforeAcquire hook that refuses a caller for something of the caller's own closes
// no connection.
func TestARefusedCallerCostsNoConnection(t *testing.T) {
	onEach(t, func(a *app) {
		const conns = 5
		unknown := errors.New("no such tenant")
		pool, db := a.pool(sqlpool.Config{MaxConns: conns, Hooks: []sqlpool.Hooks{{BeforeAcquire: func(ctx context.Context, _ *sqlpool.Conn) error {
			if ctx.Value(tenantKey{}) == "unknown" {
				return &sqlpool.CallerRefused{Err: unknown}
			}
			return nil
		}}}})
		var held []*sql.Conn
		for range conns {
			conn, err := db.Conn(a.ctx())
			a.must(err)
			_, err = conn.ExecContext(a.ctx(), "SELECT 1") // what was never used may go to another session
			a.must(err)
			held = append(held, conn)
		}
		for _, conn := range held {
			a.must(conn.Close())
		}
		refused := context.WithValue(a.ctx(), tenantKey{}, "unknown")
		for range 11 {
			if _, err := db.ExecContext(refused, "SELECT 1"); !errors.Is(err, unknown) {
				a.Errorf("the caller is told %v", err)
			}
			if tx, err := db.BeginTx(refused, nil); !errors.Is(err, unknown) {
				a.Errorf("BeginTx: %v, %v", tx, err)
			}
			a.exec(db, "SELECT 1") // another caller
		}
		if s := pool.Stats(); s.DialCount != conns || s.CloseCount != 0 {
			a.Errorf("%d dials and %d closes for %d connections", s.DialCount, s.CloseCount, conns)
		}
	})
}

// Callers in a closed loop, without deadlines, take turns: first in, first out, so
// that each is served as often as the next one, and none fails.
func TestAClosedLoopTakesTurns(t *testing.T) {
	for _, scene := range []struct {
		callers int
		work    string
	}{{64, "SELECT pg_sleep(0.002)"}, {200, "SELECT pg_sleep(0.02)"}} {
		onEach(t, func(a *app) {
			_, db := a.pool(sqlpool.Config{MaxConns: 4})
			served := make([]atomic.Int64, scene.callers)
			var over atomic.Bool
			var first, all sync.WaitGroup
			first.Add(scene.callers)
			for i := range scene.callers {
				all.Go(func() {
					_, err := db.ExecContext(a.ctx(), scene.work)
					first.Done()
					if err != nil {
						a.Error(err)
						return
					}
					first.Wait() // so that all have begun
					for !over.Load() {
						if _, err := db.ExecContext(context.Background(), scene.work); err != nil {
							a.Errorf("caller %d: %v", i, err)
						}
						served[i].Add(1)
					}
				})
			}
			first.Wait()
			time.Sleep(long(a.T, 4*time.Second, time.Minute))
			least, most := served[0].Load(), served[0].Load()
			for i := range served {
				least, most = min(least, served[i].Load()), max(most, served[i].Load())
			}
			over.Store(true)
			all.Wait()
			a.Logf("%d callers: each was served %d to %d times", scene.callers, least, most)
			if most-least > 2+most/10 {
				a.Errorf("%d callers: one was served %d times, another %d times", scene.callers, least, most)
			}
		})
	}
}
