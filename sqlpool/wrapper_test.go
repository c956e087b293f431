package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// tracer is a wrapper as tracing libraries make them: it forwards the standard
// interfaces, and leads to what it wraps.
type tracer struct {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	inner driver.Conn
}

func (t tracer) Raw() driver.Conn { return t.inner }

func traced(c *fakedb.Conn) driver.Conn { return tracer{c, c, c, c, c, c, c, c} }

func TestAWrapperDoesNotHideThatATransactionIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		db, p, _ := newDBOn(t, server, traced, sqlpool.Config{MaxConns: 1})
		for _, text := range []string{"BEGIN", "INSERT token"} {
			if _, err := db.Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		rest(t, p)
		must(t, db.Close())
		if n := server.Written("token"); n != 1 {
			t.Errorf("an acknowledged insert was written %d times", n)
		}
	})
}

// mood is the method that panics next, once.
type mood struct{ atomic.Value }

func (m *mood) panicsIn(method string) {
	if m.CompareAndSwap(method, "") {
		panic(method + " exploded")
	}
}

// touchy is a tracer of that mood.
type touchy struct {
	tracer
	*mood
}

func (c touchy) IsValid() bool {
	c.panicsIn("IsValid")
	return c.tracer.IsValid()
}

func (c touchy) ResetSession(ctx context.Context) error {
	c.panicsIn("ResetSession")
	return c.tracer.ResetSession(ctx)
}

// trusted is an adapter that never panics.
type trusted struct{ *fakedb.Conn }

func (c *trusted) Adapter() driver.Conn { return c }

// embedder has all of an adapter's methods, also that by which the adapter is trusted
// for its own.
type embedder struct {
	*trusted
	*mood
}

func (c *embedder) IsValid() bool {
	c.panicsIn("IsValid")
	return c.trusted.IsValid()
}

func (c *embedder) ResetSession(ctx context.Context) error {
	c.panicsIn("ResetSession")
	return c.trusted.ResetSession(ctx)
}

func TestAPanicBetweenLoansCostsTheConnectionOnly(t *testing.T) {
	var m mood
	for name, wrap := range map[string]func(*fakedb.Conn) driver.Conn{
		"tracer":   func(c *fakedb.Conn) driver.Conn { return touchy{traced(c).(tracer), &m} },
		"embedder": func(c *fakedb.Conn) driver.Conn { return &embedder{&trusted{c}, &m} },
	} {
		for _, method := range []string{"IsValid", "ResetSession"} {
			for _, rest := range []time.Duration{0, time.Second} { // kept by the session, and not
				t.Run(fmt.Sprintf("%s/%s/%v", name, method, rest), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						server := fakedb.New()
						var reason error
						db, p, _ := newDBOn(t, server, wrap, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{
							{OnClose: func(e sqlpool.Closed) { reason = e.Reason }},
						}})
						for _, panics := range []string{"", "", "", method, ""} {
							time.Sleep(rest)
							m.Store(panics)
							if _, err := db.Exec("SELECT 1"); err != nil {
								t.Errorf("with a panic in %q: %v", panics, err)
							}
						}
						synctest.Wait()
						if s := p.Stats(); s.DialCount != 2 || s.Open != 1 || m.Load() != "" {
							t.Errorf("%d dials, %d open", s.DialCount, s.Open)
						}
						if !strings.Contains(fmt.Sprint(reason), method+" exploded") {
							t.Errorf("closed because: %v", reason)
						}
					})
				})
			}
		}
	}
}

// unsure knows nothing of stale statements.
type unsure struct{ *fakedb.Conn }

func (unsure) StatementStale(error) bool { return false }

func TestAStatementRunsOnceUnlessItsDriverIsSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		db, _, _ := newDBOn(t, server, func(c *fakedb.Conn) driver.Conn { return unsure{c} }, sqlpool.Config{MaxConns: 1})
		// As a procedure that commits and then fails with this SQLSTATE.
		fault := server.On(fakedb.StmtExec, fakedb.Fault{Stage: fakedb.AfterEffect, Err: &fakedb.Error{Code: "26000"}})
		stmt, err := db.Prepare("INSERT token")
		must(t, err)
		defer stmt.Close()
		if _, err := stmt.Exec(); err == nil {
			t.Error("no error")
		}
		fault.Remove()
		if n := server.Written("token"); n != 1 {
			t.Errorf("written %d times", n)
		}
	})
}

func TestAConnectionIsNobodysWhileItIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Bool
		hooks := sqlpool.Hooks{OnOpen: func(e sqlpool.Opened) {
			asked.Store(true)
			if loan, held, ok := e.Conn.Lending(); ok {
				t.Errorf("lent as loan %d for %v", loan, held)
			}
			if e.Conn.Reclaim(0) {
				t.Error("reclaimed")
			}
		}}
		time.Sleep(time.Minute)
		p := newPool(t, sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{hooks}})
		loan, err := p.Acquire(context.Background())
		must(t, err)
		must(t, loan.Release())
		if !asked.Load() {
			t.Error("no OnOpen")
		}
	})
}

func TestRollbackOfAFinishedTransactionCutsNobodyOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 1, RollbackTimeout: time.Second})
		conn, err := p.Connector().Connect(context.Background())
		must(t, err)
		tx, err := conn.(driver.ConnBeginTx).BeginTx(context.Background(), driver.TxOptions{})
		must(t, err)
		must(t, tx.Commit())
		if err := tx.Rollback(); err == nil {
			t.Error("no error")
		}
		if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), "SLEEP 3s", nil); err != nil {
			t.Error(err)
		}
		conn.(driver.Validator).IsValid()
	})
}
